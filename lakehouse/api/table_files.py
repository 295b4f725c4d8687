"""Which data files a table has, and which of them were not there at the last look.

Files and manifests never change, so a look reads only the manifests that are new. A table that
gets a commit a second is followed at the price of its commits, not of its size.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa
from pyiceberg.expressions import BooleanExpression, parser
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import ManifestContent, ManifestFile
from pyiceberg.table import FileScanTask, ManifestGroupPlanner
from pyiceberg.transforms import DayTransform, HourTransform

from lakehouse.api.columns import iso
from lakehouse.api.table_state import TableState

_HOUR_MICROS = 3_600_000_000
_UNIT_MICROS = {HourTransform: _HOUR_MICROS, DayTransform: 24 * _HOUR_MICROS}


class Look(NamedTuple):
    """What a look found: the names of all live files, and how to read those that are new."""

    live: frozenset[str]
    unread: dict[str, FileScanTask]
    manifests: dict[str, frozenset[str]]


class TableFiles:
    """Remembers what was read of one table; `keep` a look once its files are read."""

    def __init__(self) -> None:
        self._manifests: dict[str, frozenset[str]] = {}
        self._known: frozenset[str] = frozenset()

    def look(self, table: TableState, wanted: BooleanExpression) -> Look:
        """The files that may hold `wanted` rows; a `wanted` that grows narrower is fine."""
        snapshot = table.snapshot
        manifests = [] if snapshot is None else snapshot.manifests(table.io)
        planner = ManifestGroupPlanner(table.metadata, table.io, wanted)
        if any(one.content == ManifestContent.DELETES for one in manifests):
            tasks = {_name(task): task for task in planner.plan_files(manifests)}
            return self._look(tasks, {"": frozenset(tasks)})
        found = {one.manifest_path: self._manifests.get(one.manifest_path) for one in manifests}
        tasks = {}
        for one in manifests:
            if found[one.manifest_path] is None:
                new = {_name(task): task for task in planner.plan_files([one])}
                found[one.manifest_path] = frozenset(new)
                tasks |= new
        return self._look(
            tasks, {path: names for path, names in found.items() if names is not None}
        )

    def keep(self, look: Look) -> None:
        """Its files are read: the next look leaves them out."""
        self._manifests, self._known = look.manifests, look.live

    def _look(self, tasks: dict[str, FileScanTask], manifests: dict[str, frozenset[str]]) -> Look:
        unread = {name: task for name, task in tasks.items() if name not in self._known}
        return Look(frozenset().union(*manifests.values()), unread, manifests)


def read(
    table: TableState,
    task: FileScanTask,
    wanted: BooleanExpression,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """The wanted rows of one file, with the table's columns of today, or those that are named."""
    schema = table.metadata.schema()
    scan = ArrowScan(
        table.metadata, table.io, schema.select(*columns) if columns else schema, wanted
    )
    return scan.to_table([task])


def at_or_after(column: str, since_micros: int) -> BooleanExpression:
    """Rows whose timestamp `column` is no earlier than that (µs since 1970 UTC)."""
    return parser.parse(f"{column} >= '{iso(since_micros).replace('Z', '+00:00')}'")


def newest_micros(table: TableState, column: str) -> int | None:
    """The highest value of a timestamp column, by the bounds of the files; None without rows."""
    snapshot = table.snapshot
    if snapshot is None:
        return None
    field = table.metadata.schema().find_field(column).field_id
    by_bound = [(_bound(table, one, field), one) for one in snapshot.manifests(table.io)]
    best: int | None = None
    for bound, manifest in sorted(by_bound, key=lambda pair: -pair[0]):
        if best is not None and bound < best:
            break
        uppers = _upper_bounds(table, manifest, field)
        best = max(uppers, default=best) if best is None else max(best, *uppers, best)
    return best


def upper_micros(task: FileScanTask, field: int) -> int | None:
    """The highest value of a timestamp column in one file, by its statistics."""
    bound = (task.file.upper_bounds or {}).get(field)
    return None if bound is None else int.from_bytes(bound, "little", signed=True)


def _upper_bounds(table: TableState, manifest: ManifestFile, field: int) -> Iterator[int]:
    for entry in manifest.fetch_manifest_entry(table.io):
        if (upper := upper_micros(FileScanTask(entry.data_file), field)) is not None:
            yield upper


def _bound(table: TableState, manifest: ManifestFile, field: int) -> int:
    """No row of the manifest's files is later than this; by its partitions, where they tell."""
    spec = table.metadata.specs()[manifest.partition_spec_id]
    for part, summary in zip(spec.fields, manifest.partitions or (), strict=False):
        unit = _UNIT_MICROS.get(type(part.transform))
        if part.source_id == field and unit and summary.upper_bound is not None:
            return (int.from_bytes(summary.upper_bound, "little", signed=True) + 1) * unit
    return 1 << 62


def _name(task: FileScanTask) -> str:
    """A file by its path; one with deleted rows is another file whenever these change."""
    return "\n".join([task.file.file_path, *_paths(task.delete_files)])


def _paths(files: Iterable[object]) -> list[str]:
    return sorted(str(getattr(file, "file_path", file)) for file in files)
