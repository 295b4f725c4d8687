"""What the records of the gap topic say about which gap. Pure: no Spark, no clock.

A batch is small (a gap is two or three messages of 300 bytes), so it is read here, by the same
model that the producer writes with, and not by a second reading of the contract in Spark.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from lakehouse.errors import UnreadableError
from lakehouse.gaps import GapMessage, read_gap
from lakehouse.rules import GAP_IMPLAUSIBLE, GAP_UNREADABLE

# A gap message has 300 bytes; what is longer is none, and must not fill the driver's memory.
MOST_BYTES: Final = 16_384

_MOST_ID: Final = 2**63 - 1
# 9999-12-31 23:59:59: the last time that every reader of the lake can tell.
_LATEST_MICROS: Final = 253_402_300_799_999_999

Key = tuple[str, str, int]


class Place(NamedTuple):
    """Where a record stands in Kafka; `at` is its timestamp, µs UTC."""

    topic: str
    partition: int
    offset: int
    at: int

    def after(self, other: "Place") -> bool:
        """Whether this record is the newer one.

        Offsets order one partition. Between two (the topic was changed, or given more
        partitions) only the time is left.
        """
        if self[:2] == other[:2]:
            return self.offset > other.offset
        return self.at > other.at


class Record(NamedTuple):
    """A record of the gap topic; `value` is cut away where it has more than MOST_BYTES.

    `size` in bytes; None for a tombstone.
    """

    place: Place
    value: bytes | None
    size: int | None


class Rejected(NamedTuple):
    """A record that is no gap message: the rule that it breaks, and where."""

    place: Place
    reason: str
    detail: str


Newest = Mapping[Key, tuple[Place, GapMessage]]


class Judged(NamedTuple):
    """The newest message of each gap, and what is no gap message."""

    newest: dict[Key, tuple[Place, GapMessage]]
    rejected: list[Rejected]


def judge(records: Iterable[Record]) -> Judged:
    """Read a batch, in any order. Tombstones say nothing: a gap's row outlives them."""
    judged = Judged({}, [])
    for place, value, size in records:
        if size is None:
            continue
        found = _read(place, value)
        if isinstance(found, Rejected):
            judged.rejected.append(found)
            continue
        key = (found.exchange, found.symbol, found.from_id)
        if key not in judged.newest or place.after(judged.newest[key][0]):
            judged.newest[key] = (place, found)
    return judged


def news(newest: Newest, standing: Mapping[Key, Place]) -> list[tuple[Place, GapMessage]]:
    """The messages that are newer than what stands in the table."""
    return [
        (place, gap)
        for key, (place, gap) in newest.items()
        if key not in standing or place.after(standing[key])
    ]


def _read(place: Place, value: bytes | None) -> GapMessage | Rejected:
    if value is None:
        return Rejected(place, GAP_UNREADABLE, "too_long")
    try:
        gap = read_gap(value)
    except UnreadableError as error:
        return Rejected(place, GAP_UNREADABLE, str(error))
    # The model knows no bounds, the columns do.
    if not 0 <= gap.from_id <= gap.to_id <= _MOST_ID:
        return Rejected(place, GAP_IMPLAUSIBLE, "ids")
    if not all(0 <= at <= _LATEST_MICROS for at in (gap.detected_at, gap.repaired_at or 0)):
        return Rejected(place, GAP_IMPLAUSIBLE, "times")
    return gap
