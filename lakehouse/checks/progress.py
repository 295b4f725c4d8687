"""How far the streams have come: the settled points at which two layers can be compared.

A stream's checkpoint tells which snapshot of its source it has worked off. What the source held
then, and nothing newer, must be in the stream's table: this is exact beside running streams,
however far they are behind. So checkpoints are read first, and the lake is opened after them.
"""

import json
from dataclasses import dataclass
from typing import Any

from lakehouse.checks import checkpoints
from lakehouse.checks.catalogue import BRONZE_READ, PROGRESS, SILVER_READ
from lakehouse.checks.checkpoints import Checkpoints
from lakehouse.query import Lake
from lakehouse.retention import Removed
from lakehouse.settings import Settings
from lakehouse.tables import BRONZE, GOLD, SILVER

# Job → the table that it reads, and what a check calls what it has read of it.
_SOURCES = {SILVER: (BRONZE, BRONZE_READ), GOLD: (SILVER, SILVER_READ)}
_ATTEMPTS = 3


@dataclass(frozen=True)
class Position:
    """The last batch that a job has ended, and where in its source that batch ended.

    `files` of the snapshot's added files were read, or of all its files where `all_files`.
    `snapshot_id` is None where nothing was there to be read yet.
    """

    job: str
    query_id: str
    batch_id: int
    snapshot_id: int | None = None
    files: int = 0
    all_files: bool = False


def positions(settings: Settings) -> list[Position]:
    """The positions of the jobs whose checkpoints can be read from here; others are left out."""
    read = checkpoints.of(settings)
    found = (_position(read, job) for job in _SOURCES)
    return [position for position in found if position is not None]


def settle(lake: Lake, found: list[Position]) -> frozenset[str]:
    """Give the checks what `catalogue.SETTLED` names; returns the names that could be given."""
    settled = set()
    rows: list[tuple[Position, bool, int]] = []
    for position in found:
        table, name = _SOURCES[position.job]
        if table not in lake.tables:
            continue
        metadata = lake.metadata(table)
        point = _settled_point(metadata, position)
        if point is None:
            continue
        snapshot_id, whole = point
        lake.as_of(name, table, snapshot_id)
        settled.add(name)
        rows.append((position, whole, _removed(metadata, snapshot_id)))
    _keep_progress(lake, rows)
    return frozenset(settled | {PROGRESS}) if rows else frozenset()


def _settled_point(metadata: dict[str, Any], position: Position) -> tuple[int | None, bool] | None:
    """(the last snapshot that was read to its end, whether nothing beyond it was read); None
    where the table has forgotten the snapshot."""
    if position.snapshot_id is None:
        return None, True
    snapshots = sorted(metadata.get("snapshots", ()), key=lambda each: each["sequence-number"])
    ids = [snapshot["snapshot-id"] for snapshot in snapshots]
    if position.snapshot_id not in ids:
        return None
    at = ids.index(position.snapshot_id)
    total = "total-data-files" if position.all_files else "added-data-files"
    if position.files >= int(snapshots[at]["summary"].get(total, 0)):
        return position.snapshot_id, True
    return (ids[at - 1] if at else None), False


def _removed(metadata: dict[str, Any], snapshot_id: int | None) -> int:
    """The rows that retention had taken away at a snapshot."""
    numbers = {
        each["snapshot-id"]: each["sequence-number"] for each in metadata.get("snapshots", ())
    }
    at = -1 if snapshot_id is None else numbers[snapshot_id]
    after = (each for each in metadata.get("snapshots", ()) if each["sequence-number"] > at)
    removed = Removed.read(metadata.get("properties", {}))
    return removed.rows_before(each["summary"] for each in after)


def _keep_progress(lake: Lake, rows: list[tuple[Position, bool, int]]) -> None:
    values: dict[str, object] = {
        "jobs": [position.job for position, _, _ in rows],
        "queries": [position.query_id for position, _, _ in rows],
        "batches": [position.batch_id for position, _, _ in rows],
        "whole": [whole for _, whole, _ in rows],
        "removed": [removed for _, _, removed in rows],
    }
    lake.keep(
        PROGRESS,
        "SELECT unnest($jobs::VARCHAR[]) AS job, unnest($queries::VARCHAR[]) AS query_id, "
        "unnest($batches::BIGINT[]) AS batch_id, unnest($whole::BOOLEAN[]) AS whole, "
        "unnest($removed::BIGINT[]) AS removed",
        values,
    )


def _position(read: Checkpoints, job: str) -> Position | None:
    for _ in range(_ATTEMPTS):  # Spark removes the oldest files while we look
        try:
            query_id = json.loads(read.read(f"{job}/metadata"))["id"]
            ended = read.numbers(f"{job}/commits")
            if not ended:
                return Position(job, query_id, -1)
            offsets = read.read(f"{job}/offsets/{max(ended)}").decode()
            return _read(job, query_id, max(ended), json.loads(offsets.splitlines()[-1]))
        except (OSError, ValueError, KeyError, IndexError):
            continue
    return None


def _read(job: str, query_id: str, batch_id: int, offset: dict[str, Any]) -> Position:
    snapshot_id = int(offset["snapshot_id"])
    if snapshot_id < 0:
        return Position(job, query_id, batch_id)
    files, all_files = int(offset["position"]), bool(offset["scan_all_files"])
    return Position(job, query_id, batch_id, snapshot_id, files, all_files)
