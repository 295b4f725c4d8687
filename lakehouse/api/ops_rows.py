"""The rows of ops_audit and ops_gap in memory, followed from commit to commit."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from uuid import UUID

from pyiceberg.expressions import AlwaysTrue, BooleanExpression
from pyiceberg.table import FileScanTask

from lakehouse.api import table_files
from lakehouse.api.columns import Row, rows
from lakehouse.api.table_files import Look, TableFiles
from lakehouse.api.table_state import TableState

_READERS: Final = 4
DAY_MICROS: Final = 86_400_000_000


class OpsRows:
    """Rows by file, as JSON carries them. One thread's; the lists that it gives are anybody's.

    With a `most_files` only the newest files are read at first, by `time_column`, of the newest
    day: a streaming table has a file for each batch.
    """

    def __init__(self, time_column: str, most_files: int | None = None) -> None:
        self._column, self._most = time_column, most_files
        self._uuid: UUID | None = None
        self._files = TableFiles()
        self._rows: dict[str, list[Row]] = {}
        self._since: int | None = None

    @property
    def since_micros(self) -> int | None:
        """All rows from this instant on are here (µs since 1970 UTC); None: all there are."""
        return self._since

    def refresh(self, table: TableState) -> list[Row]:
        """All rows kept, in no order. What fails leaves the store as it was."""
        if table.metadata.table_uuid != self._uuid:
            self._begin(table)
        wanted = self._wanted()
        look = self._files.look(table, wanted)
        new = _read(table, self._newest(table, look), wanted)
        kept = {name: rows for name, rows in self._rows.items() if name in look.live}
        self._rows = kept | new
        self._files.keep(look)
        self._uuid = table.metadata.table_uuid
        return [row for found in self._rows.values() for row in found]

    def forget(self, keep: Callable[[Row], bool]) -> None:
        """Drop the rows that need not be kept; they don't come again."""
        left = {name: [row for row in found if keep(row)] for name, found in self._rows.items()}
        self._rows = {name: found for name, found in left.items() if found}

    def _begin(self, table: TableState) -> None:
        self._files, self._rows, self._since = TableFiles(), {}, None
        if self._most is not None:
            newest = table_files.newest_micros(table, self._column)
            self._since = None if newest is None else newest - DAY_MICROS

    def _wanted(self) -> BooleanExpression:
        if self._since is None:
            return AlwaysTrue()
        return table_files.at_or_after(self._column, self._since)

    def _newest(self, table: TableState, look: Look) -> dict[str, FileScanTask]:
        if self._most is None or len(look.unread) <= self._most:
            return look.unread
        field = table.metadata.schema().find_field(self._column).field_id
        uppers = {name: _upper(task, field) for name, task in look.unread.items()}
        ordered = sorted(uppers, key=uppers.__getitem__, reverse=True)
        # What the first file left out may hold ends here; complete is what comes after it.
        self._since = uppers[ordered[self._most]] + 1
        return {name: look.unread[name] for name in ordered[: self._most]}


def _upper(task: FileScanTask, field: int) -> int:
    found = table_files.upper_micros(task, field)
    return 1 << 62 if found is None else found


def _read(
    table: TableState, tasks: Mapping[str, FileScanTask], wanted: BooleanExpression
) -> dict[str, list[Row]]:
    def one(task: FileScanTask) -> list[Row]:
        return list(rows(table_files.read(table, task, wanted)))

    with ThreadPoolExecutor(_READERS) as readers:
        return dict(zip(tasks, readers.map(one, tasks.values()), strict=True))
