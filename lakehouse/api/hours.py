"""Completeness by hour, followed from commit to commit: each file of Silver is read once.

What a look costs is what is new, not how much there is: ids become ranges as they are read, and
an hour is read again only where files of it are gone, as after a compaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson
import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue

from lakehouse.api import table_files
from lakehouse.api.blocks import Key
from lakehouse.api.columns import Row, iso
from lakehouse.api.gaps import Gaps
from lakehouse.api.hour_files import HourFiles, Work
from lakehouse.api.id_store import HourIds, IdStore
from lakehouse.api.instants import HOUR_MICROS
from lakehouse.api.table_state import TableState
from lakehouse.settings import Settings

_COLUMNS: Final = ("exchange", "symbol", "dt_hour", "agg_id")


@dataclass(frozen=True)
class Cell:
    """One symbol's hour (µs since 1970 UTC) as /v1/completeness answers it, in JSON."""

    key: Key
    hour: int
    body: bytes


@dataclass(frozen=True)
class Hours:
    """What is known at one commit of Silver, never changed. Instants in µs since 1970 UTC.

    `unread`: hours of which files have not been read yet, oldest first.
    """

    committed_micros: int
    cells: Sequence[Cell] = ()
    unread: Sequence[int] = ()

    @property
    def newest(self) -> int | None:
        """The newest hour that there is anything of."""
        return max((*(cell.hour for cell in self.cells), *self.unread), default=None)


class HourStore:
    """For one thread; what `step` gives is anybody's."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ids: IdStore | None = None
        self._files = HourFiles()
        self._location = ""
        self._gaps: Sequence[Row] | None = None
        self._hours: Hours | None = None

    def step(self, table: TableState, gaps: Gaps) -> Hours:
        """Read one hour at most, the newest first that has unread files.

        Raises what pyiceberg, Arrow and DuckDB raise where files can't be read; another step
        makes up for it.
        """
        if self._ids is None:
            self._ids = IdStore(self._settings)
        if self._hours and not self._hours.unread and self._same(table, gaps):
            return self._hours
        if table.location != self._location:
            for part in self._files.follow(table):
                self._ids.forget(part)
        work = self._files.work()
        if work:
            self._read(self._ids, table, work[0])
        left = [each.part * HOUR_MICROS for each in work[:0:-1]]
        cells = [_cell(hour) for hour in self._ids.hours(gaps.rows)]
        self._hours = Hours(table.committed_micros or 0, cells, left)
        self._location, self._gaps = table.location, gaps.rows
        return self._hours

    def interrupt(self) -> None:
        """Let a step that is under way fail; from any thread."""
        if self._ids is not None:
            self._ids.interrupt()

    def close(self) -> None:
        """Let the ids go."""
        if self._ids is not None:
            self._ids.close()
            self._ids = None

    def _same(self, table: TableState, gaps: Gaps) -> bool:
        return table.location == self._location and gaps.rows is self._gaps

    def _read(self, ids: IdStore, table: TableState, work: Work) -> None:
        tasks = {name: self._files.tasks[name] for name in sorted(work.names)}
        deleted = [task for task in tasks.values() if task is not None]
        given: list[pa.Table] = [
            table_files.read(table, task, AlwaysTrue(), _COLUMNS) for task in deleted
        ]
        ids.add(work.part, [name for name, task in tasks.items() if task is None], given, work.anew)
        self._files.done(work)


def _cell(hour: HourIds) -> Cell:
    told = {**hour._asdict(), "hour": iso(hour.hour)}
    return Cell(Key(hour.exchange, hour.symbol), hour.hour, orjson.dumps(told))
