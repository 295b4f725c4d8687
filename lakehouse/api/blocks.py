"""Gold's rows in memory, a block for each data file, found by symbol and minute."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final, NamedTuple

import pyarrow as pa

from lakehouse.api.columns import Row, micros, rows
from lakehouse.api.instants import MINUTE_MICROS

_ORDER: Final = [("exchange", "ascending"), ("symbol", "ascending"), ("minute_ts", "ascending")]


class Key(NamedTuple):
    """What has one series of minutes."""

    exchange: str
    symbol: str


@dataclass(frozen=True)
class Block:
    """The rows of one file, sorted by symbol and minute; `places`: the rows of each symbol."""

    table: pa.Table
    minutes: "array[int]"
    places: Mapping[Key, range]
    spikes: Sequence[Row]

    @property
    def last_minute(self) -> int:
        """The newest minute of any symbol; -1 in an empty block."""
        return max((self.minutes[place[-1]] for place in self.places.values()), default=-1)

    def between(self, key: Key, first: int, last: int) -> range:
        """The rows of a symbol from minute `first` to `last`, both included."""
        place = self.places.get(key, range(0))
        start = bisect_left(self.minutes, first, place.start, place.stop)
        return range(start, bisect_left(self.minutes, last + 1, start, place.stop))


def block_of(table: pa.Table) -> Block:
    """Sort and index the rows of a file."""
    ordered = table.sort_by(_ORDER).combine_chunks()
    exchanges, symbols = (ordered.column(name).to_pylist() for name in ("exchange", "symbol"))
    places, start = {}, 0
    for key, group in groupby(zip(exchanges, symbols, strict=True)):
        stop = start + sum(1 for _ in group)
        places[Key(*key)] = range(start, stop)
        start = stop
    spikes = rows(ordered.filter(ordered.column("spike")))
    return Block(ordered, array("q", minutes_of(ordered)), places, spikes)


def minutes_of(table: pa.Table) -> list[int]:
    """`minute_ts` as minutes since 1970."""
    return [(at or 0) // MINUTE_MICROS for at in micros(table.column("minute_ts"))]


def minute_rows(blocks: Iterable[Block], key: Key, first: int, last: int, limit: int) -> list[Row]:
    """A symbol's first `limit` rows from minute `first` to `last`, oldest first."""
    places = ((block, block.between(key, first, last)) for block in blocks)
    # A minute stands in one block only, but the minutes of two blocks may alternate.
    found = sorted(
        (block.minutes[place[0]], block.minutes[place[-1]], number, block.table, place)
        for number, (block, place) in enumerate(places)
        if place
    )
    if not found:
        return []
    parts = [table.slice(place.start, len(place)) for *_, table, place in found]
    # A column that was added meanwhile is null in the older files.
    together = pa.concat_tables(parts, promote_options="default")
    if any(after[0] < before[1] for before, after in pairwise(found)):
        together = together.sort_by("minute_ts")
    return list(rows(together.slice(0, limit)))


def newest_rows(blocks: Iterable[Block], newest: Mapping[Key, int]) -> dict[Key, Row]:
    """The row of each symbol at the minute that is named."""
    left = dict(newest)
    found: dict[Key, Row] = {}
    for block in sorted(blocks, key=lambda one: -one.last_minute):
        here = list(_rows_at(block, left))
        if here:
            taken = rows(block.table.take([index for _, index in here]))
            found |= {key: row for (key, _), row in zip(here, taken, strict=True)}
            left = {key: minute for key, minute in left.items() if key not in found}
        if not left:
            break
    return found


def _rows_at(block: Block, wanted: Mapping[Key, int]) -> Iterator[tuple[Key, int]]:
    for key in wanted.keys() & block.places.keys():
        if place := block.between(key, wanted[key], wanted[key]):
            yield key, place[0]
