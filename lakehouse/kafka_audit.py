"""What `python -m producer.audit` found in the trades' topic, and what speaks against it. Pure."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from lakehouse.layers import Gap, Hour, Layer, OpenGap, Symbol, in_words

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class PartitionRead:
    """Offsets `first_offset` ≤ … < `end_offset` of one partition, and how many records came.

    `begins_late`: what stood before them is gone, or was not asked for.
    """

    partition: int
    first_offset: int
    end_offset: int
    records: int
    begins_late: bool


@dataclass(frozen=True)
class KafkaSymbol(Symbol):
    """A symbol's records, and their order.

    `out_of_order`: live ones (source ws) with an id lower than an earlier live one of the same
    partition that did not stand there before (which makes a duplicate). `late_repairs`: those
    from REST that came after a higher id. `unrecorded`: missing ids that no open or unrepairable
    record of the gap topic covers.
    """

    out_of_order: int = 0
    late_repairs: int = 0
    unrecorded: int = 0
    sources: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class GapRecord:
    """The newest message of one key on the gap topic; times in µs UTC."""

    exchange: str
    symbol: str
    from_id: int
    to_id: int
    detected_at: int
    repaired_at: int | None = None
    repaired_from: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class GapTopic:
    """The gap topic's content by status; `unreadable` messages break its contract."""

    open: tuple[GapRecord, ...] = ()
    repaired: tuple[GapRecord, ...] = ()
    unrepairable: tuple[GapRecord, ...] = ()
    unreadable: int = 0


@dataclass(frozen=True)
class KafkaAudit:
    """The whole finding. `gaps` lists the first MOST_LISTED; the counts hold all of them.

    `unreadable` records are no trade by the contract, counted by reason; `skipped` ones belong
    to symbols that were not asked for.
    """

    topic: str
    gap_topic: str
    read_at: datetime
    seconds: float
    partitions: tuple[PartitionRead, ...]
    records: int
    unreadable: int
    unreadable_reasons: dict[str, int]
    skipped: int
    sources: dict[str, int]
    symbols: tuple[KafkaSymbol, ...]
    hours: tuple[Hour, ...]
    gaps: tuple[Gap, ...]
    known_gaps: GapTopic

    @property
    def layer(self) -> Layer:
        """The figures that every layer has."""
        return Layer(self.symbols, self.hours, self.gaps)

    @property
    def out_of_order(self) -> int:
        """Live records that came after a later one of their symbol."""
        return sum(symbol.out_of_order for symbol in self.symbols)

    @property
    def late_repairs(self) -> int:
        """Repaired records that came after a later one of their symbol: allowed, and counted."""
        return sum(symbol.late_repairs for symbol in self.symbols)

    @property
    def open_gaps(self) -> tuple[OpenGap, ...]:
        """What the producer has seen missing and not closed yet."""
        return tuple(
            OpenGap(
                gap.exchange,
                gap.symbol,
                gap.from_id,
                gap.to_id,
                _EPOCH + timedelta(microseconds=gap.detected_at),
                gap.reason,
            )
            for gap in self.known_gaps.open
        )

    def faults(self, strict: bool = False) -> tuple[str, ...]:
        """What speaks against the topic, in words. Duplicates don't: readers drop them by id."""
        return in_words(
            [
                (self.layer.unexplained(strict), "ids missing from Kafka"),
                (self.out_of_order, "live trades out of order in Kafka"),
            ]
        )


def encode(audit: KafkaAudit) -> bytes:
    """As JSON."""
    return msgspec.json.encode(audit)


def decode(text: bytes) -> KafkaAudit:
    """Read it back; ValueError where it is none."""
    return msgspec.json.decode(text, type=KafkaAudit)
