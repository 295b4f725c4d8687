"""Gold's newest 25 hours in memory, brought up to date by what each commit adds and takes away."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import duckdb
import pyarrow as pa
from pyiceberg.expressions import BooleanExpression

from lakehouse.api import table_files
from lakehouse.api.blocks import Block, Key, block_of, minutes_of
from lakehouse.api.columns import units
from lakehouse.api.instants import MINUTE_MICROS
from lakehouse.api.pulse import KEPT_MINUTES
from lakehouse.api.series import Bar, Series
from lakehouse.api.table_files import Look, TableFiles
from lakehouse.api.table_state import TableState

_READERS: Final = 4
_OF_SERIES: Final = """exchange, symbol, minute_ts, close, volume, quote_volume, trades,
  (return_1m IS NOT NULL)::INT AS returns, coalesce(spike, false)::INT AS spikes"""
_CHANGED: Final = f"SELECT {_OF_SERIES} FROM added EXCEPT ALL SELECT {_OF_SERIES} FROM removed"
_GONE: Final = """SELECT exchange, symbol, minute_ts FROM removed
ANTI JOIN added USING (exchange, symbol, minute_ts)"""


@dataclass(frozen=True)
class Gold:
    """Gold at one commit, immutable. Minutes count from 1970; `since` is the first one kept."""

    location: str
    snapshot_id: int
    committed_micros: int
    since: int
    blocks: tuple[Block, ...] = ()
    series: Mapping[Key, Series] = field(default_factory=dict)
    newest: Mapping[str, int] = field(default_factory=dict)

    @property
    def newest_minute(self) -> int | None:
        """The newest minute of any exchange; None without rows."""
        return max(self.newest.values(), default=None)


class GoldStore:
    """Follows the table from commit to commit. One thread's; what `refresh` gives is anybody's."""

    def __init__(self) -> None:
        self._uuid: UUID | None = None
        self._files = TableFiles()
        self._since, self._top = 0, 0
        self._blocks: dict[str, Block] = {}
        self._series: dict[Key, Series] = {}

    def refresh(self, table: TableState) -> Gold | None:
        """Gold at this state; None before the first commit. What fails leaves the store as it was.

        Raises what pyiceberg and Arrow raise where files can't be read.
        """
        snapshot = table.snapshot
        if snapshot is None:
            return None
        if table.metadata.table_uuid != self._uuid:
            self._begin(table)
        self._follow(table)
        newest = _newest(self._series)
        if max(newest.values(), default=0) < self._top:  # minutes were taken back: begin lower
            self._begin(table)
            self._follow(table)
            newest = _newest(self._series)
        self._forget(newest)
        blocks = tuple(self._blocks.values())
        return Gold(
            table.location,
            snapshot.snapshot_id,
            table.committed_micros or 0,
            self._since,
            blocks,
            self._series,
            newest,
        )

    def _begin(self, table: TableState) -> None:
        newest = table_files.newest_micros(table, "minute_ts") or 0
        self._files, self._top = TableFiles(), 0
        self._blocks, self._series = {}, {}
        self._uuid = table.metadata.table_uuid
        self._since = max(0, newest // MINUTE_MICROS - KEPT_MINUTES)

    def _follow(self, table: TableState) -> None:
        wanted = table_files.at_or_after("minute_ts", self._since * MINUTE_MICROS)
        look = self._files.look(table, wanted)
        new = _read(table, look, wanted)
        gone = {name: block for name, block in self._blocks.items() if name not in look.live}
        self._series = _changed(self._series, new.values(), gone.values())
        kept = {name: block for name, block in self._blocks.items() if name in look.live}
        self._blocks = kept | {name: block for name, block in new.items() if block.minutes}
        self._files.keep(look)

    def _forget(self, newest: Mapping[str, int]) -> None:
        """Drop what lies more than 25 hours before the newest minute."""
        top = max(newest.values(), default=0)
        if top == self._top:
            return
        self._top, self._since = top, max(self._since, top - KEPT_MINUTES)
        trimmed = {key: one.since(self._since) for key, one in self._series.items()}
        self._series = {key: one for key, one in trimmed.items() if one.minutes}
        self._blocks = {
            name: block for name, block in self._blocks.items() if block.last_minute >= self._since
        }


def _read(table: TableState, look: Look, wanted: BooleanExpression) -> dict[str, Block]:
    def one(name: str) -> Block:
        return block_of(table_files.read(table, look.unread[name], wanted))

    with ThreadPoolExecutor(_READERS) as readers:
        return dict(zip(look.unread, readers.map(one, look.unread), strict=True))


def _newest(series: Mapping[Key, Series]) -> dict[str, int]:
    found: dict[str, int] = {}
    for key, one in series.items():
        found[key.exchange] = max(found.get(key.exchange, 0), one.minutes[-1])
    return found


def _changed(
    series: Mapping[Key, Series], new: Iterable[Block], gone: Iterable[Block]
) -> dict[Key, Series]:
    """The series after the rows of `gone` files went and those of `new` ones came.

    A MERGE writes whole files anew for a few rows that changed: DuckDB finds these.
    """
    added, removed = ([block.table for block in blocks] for blocks in (new, gone))
    if not added and not removed:
        return dict(series)
    empty = [*added, *removed][0].slice(0, 0)
    with duckdb.connect() as con:
        con.register("added", _together([empty, *added]))
        con.register("removed", _together([empty, *removed]))
        changes = _bars(con.execute(_CHANGED).to_arrow_table())
        lost = _minutes_gone(con.execute(_GONE).to_arrow_table())
    found = dict(series)
    for key in changes.keys() | lost.keys():
        before = found.pop(key, Series())
        after = before.with_changes(changes.get(key, {}), lost.get(key, ()))
        if after.minutes:
            found[key] = after
    return found


def _together(tables: Sequence[pa.Table]) -> pa.Table:
    # A column that was added meanwhile is null in the older ones.
    return pa.concat_tables(tables, promote_options="default")


def _bars(table: pa.Table) -> dict[Key, dict[int, Bar]]:
    found: dict[Key, dict[int, Bar]] = defaultdict(dict)
    amounts = (units(table.column(name)) for name in ("close", "volume", "quote_volume"))
    counts = (table.column(name).to_pylist() for name in ("trades", "returns", "spikes"))
    bars = map(Bar, *amounts, *counts)
    for key, minute, bar in zip(_keys(table), minutes_of(table), bars, strict=True):
        found[key][minute] = bar
    return found


def _minutes_gone(table: pa.Table) -> dict[Key, set[int]]:
    found: dict[Key, set[int]] = defaultdict(set)
    for key, minute in zip(_keys(table), minutes_of(table), strict=True):
        found[key].add(minute)
    return found


def _keys(table: pa.Table) -> Iterable[Key]:
    names = (table.column(name).to_pylist() for name in ("exchange", "symbol"))
    return map(Key, *names)
