"""Which files of Silver hold which hour, and which of them have not been read yet."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final, NamedTuple
from uuid import UUID

from pyiceberg.table import FileScanTask

from lakehouse.api import table_files
from lakehouse.api.instants import HOUR_MICROS
from lakehouse.api.table_files import TableFiles
from lakehouse.api.table_state import TableState

# As far back as may be asked.
KEPT_HOURS: Final = 48
_NO_HOUR: Final = -1


class Work(NamedTuple):
    """What is to be read of a part next. `anew`: files of it are gone, so begin it again."""

    part: int
    names: frozenset[str]
    anew: bool


class HourFiles:
    """Follows a table's files. A part is the files whose newest row is of one hour (since 1970).

    Spark writes each file within one hour; another writer's may hold several, which only costs
    more to read again.
    """

    def __init__(self) -> None:
        self._uuid: UUID | None = None
        self._seen = TableFiles()
        self._since = 0
        # Of a file without deletes its address is enough, and much smaller than a task.
        self.tasks: dict[str, FileScanTask | None] = {}
        self._parts: dict[str, int] = {}
        self._read: dict[int, frozenset[str]] = {}

    def follow(self, table: TableState) -> frozenset[int]:
        """Look at the newest commit; the parts that were forgotten as they are too old, or gone.

        Raises what pyiceberg raises where metadata can't be read.
        """
        newest = table_files.newest_micros(table, "event_ts") or 0
        since = max(0, newest // HOUR_MICROS + 1 - KEPT_HOURS)
        if table.metadata.table_uuid != self._uuid or since < self._since:
            self._uuid, self._seen, self._parts, self.tasks = (
                table.metadata.table_uuid, TableFiles(), {}, {},
            )  # fmt: skip
        self._since = since
        self._look(table)
        live = set(self._parts.values())
        gone = frozenset(self._read.keys() - live)
        self._read = {part: names for part, names in self._read.items() if part in live}
        return gone

    def work(self) -> list[Work]:
        """What is left to read, the newest hour first."""
        live = self._live()
        found = []
        for part in sorted(live, reverse=True):
            read = self._read.get(part, frozenset())
            if live[part] != read:
                anew = not read <= live[part]
                found.append(Work(part, live[part] if anew else live[part] - read, anew))
        return found

    def done(self, work: Work) -> None:
        """The files of it are read."""
        before = frozenset() if work.anew else self._read.get(work.part, frozenset())
        self._read[work.part] = before | work.names

    def _look(self, table: TableState) -> None:
        wanted = table_files.at_or_after("event_ts", self._since * HOUR_MICROS)
        look = self._seen.look(table, wanted)
        field = table.metadata.schema().find_field("dt_hour").field_id
        for name, task in look.unread.items():
            self._parts[name] = _part(task, field)
            self.tasks[name] = task if task.delete_files else None
        self._seen.keep(look)
        old = {name for name, part in self._parts.items() if _NO_HOUR < part < self._since}
        for name in (self._parts.keys() - look.live) | old:
            del self._parts[name], self.tasks[name]

    def _live(self) -> Mapping[int, frozenset[str]]:
        found: dict[int, set[str]] = defaultdict(set)
        for name, part in self._parts.items():
            found[part].add(name)
        return {part: frozenset(names) for part, names in found.items()}


def _part(task: FileScanTask, field: int) -> int:
    upper = table_files.upper_micros(task, field)
    return _NO_HOUR if upper is None else upper // HOUR_MICROS
