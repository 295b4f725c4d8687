"""What a batch of judged rows consists of, added up from its blocks of 64 ids. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lakehouse.id_ranges import IdRanges, Pair
from spark_jobs import bitmaps
from spark_jobs.bitmaps import Line


@dataclass
class Tally:
    """Rows, the ids of the valid ones, and whether one of these stands twice.

    `newest` is of the valid rows, `oldest_ingest` of all; both µs UTC.
    """

    rows: int = 0
    failed: int = 0
    late: int = 0
    repeated: bool = False
    newest: int = 0
    oldest_ingest: int | None = None
    ids: dict[Line, IdRanges] = field(default_factory=dict)

    def bounds(self) -> dict[Line, Pair]:
        """The lowest and the highest id of each line."""
        pairs = {line: ids.pairs for line, ids in self.ids.items()}
        return {line: (each[0][0], each[-1][1]) for line, each in pairs.items()}

    def distinct(self) -> int:
        """How many different ids the valid rows have."""
        return sum(ids.count for ids in self.ids.values())

    def unknown(self, known: Callable[[Line], IdRanges]) -> dict[Line, list[Pair]]:
        """The ids that are not known, as ranges, for the lines that have any."""
        found = {
            line: [pair for lo, hi in ids for pair in known(line).missing_between(lo, hi)]
            for line, ids in self.ids.items()
        }
        return {line: pairs for line, pairs in found.items() if pairs}


def numbers(pairs: Mapping[Line, Iterable[Pair]]) -> int:
    """How many ids there are in ranges."""
    return sum(hi - lo + 1 for each in pairs.values() for lo, hi in each)


def add_up(blocks: Iterable[Any]) -> Tally:
    """Rows of `transforms.silver.blocks`, in any order."""
    found = Tally()
    for row in sorted(blocks, key=lambda row: row["block"] or 0):
        _add(found, row)
    return found


def _add(found: Tally, row: Any) -> None:
    found.rows += row["rows"]
    ingested = (found.oldest_ingest, row["oldest_ingest"])
    found.oldest_ingest = min((at for at in ingested if at is not None), default=None)
    if row["bad"]:
        found.failed += row["rows"]
        return
    found.late += row["late"]
    found.newest = max(found.newest, row["newest"])
    found.repeated |= row["rows"] > bitmaps.count(row["bits"])
    ids = found.ids.setdefault((row["exchange"], row["symbol"]), IdRanges())
    ids.update(bitmaps.ranges(row["block"], row["block"], row["bits"]))
