"""The messages on the gap topic and the position topic: models, keys, writing and reading.

Both topics are compacted: the newest message of a key is what holds.
"""

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lakehouse.messages import Micros, contract_broken

GapStatus = Literal["open", "repaired", "unrepairable"]
M = TypeVar("M", bound="_Message")


class _Message(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    schema_version: Literal[1] = 1

    def value(self) -> bytes:
        """The message's value: JSON in UTF-8."""
        return self.model_dump_json().encode()


class GapMessage(_Message):
    """Ids `from_id` to `to_id`, both included, that were jumped over, and what became of them.

    A later message with the same key replaces an earlier one; it may end earlier, when the parts
    of a gap met different ends: then other messages cover the rest. `repaired`: all these ids
    are acknowledged by Kafka. `unrepairable`: the exchange itself has no such ids.
    """

    exchange: Annotated[str, Field(min_length=1)]
    symbol: Annotated[str, Field(min_length=1)]
    from_id: int
    to_id: int
    status: GapStatus
    detected_at: Micros
    repaired_at: Annotated[int | None, Field(description="µs UTC; when it was closed")] = None
    repaired_from: Annotated[
        str | None,
        Field(
            description="rest, ws, both as rest+ws, or kafka: all of it was there already; "
            "null while open"
        ),
    ] = None
    reason: Annotated[str, Field(description="why it is open or unrepairable; may be empty")] = ""

    @property
    def key(self) -> bytes:
        """The Kafka key: exchange, symbol and first id."""
        return f"{self.exchange}|{self.symbol}|{self.from_id}".encode()

    @property
    def ids(self) -> int:
        """How many ids it spans."""
        return self.to_id - self.from_id + 1


class PositionMessage(_Message):
    """How far one producer has come: where a restart resumes from.

    Every id of a symbol from its entry in `first_ids` to its entry in `last_ids` stands in the
    trades' topic before `offsets` (one per partition), acknowledged by Kafka, or lies in a gap
    on the gap topic. What stands from these offsets on may go beyond.
    """

    producer: str
    exchange: str
    topic: str
    offsets: Annotated[
        dict[int, int], Field(description="partition → first offset that last_ids don't cover")
    ]
    first_ids: Annotated[dict[str, int], Field(description="symbol → agg_id")]
    last_ids: Annotated[dict[str, int], Field(description="symbol → agg_id")]
    written_at: Micros

    @property
    def key(self) -> bytes:
        """The Kafka key: producer and topic."""
        return f"{self.producer}|{self.topic}".encode()


def read_gap(value: bytes) -> GapMessage:
    """Read a gap message; UnreadableError where it breaks the contract."""
    return _read(GapMessage, value)


def read_position(value: bytes) -> PositionMessage:
    """Read a position message; UnreadableError where it breaks the contract."""
    return _read(PositionMessage, value)


def _read(kind: type[M], value: bytes) -> M:
    try:
        return kind.model_validate_json(value)
    except ValidationError as error:
        raise contract_broken(error) from None
