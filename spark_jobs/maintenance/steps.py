"""The steps of a run on one table: each says what it did, or in a dry run what it would do."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from pyspark.sql import SparkSession

from lakehouse import tables
from lakehouse.settings import Settings
from spark_jobs import snapshots
from spark_jobs.maintenance import compaction, expiry, old_days, orphans, plan, retention
from spark_jobs.maintenance.figures import figures

_MOST_NAMED: Final = 20


@dataclass(frozen=True)
class Task:
    """A table to maintain. `stopped` ends a step between two of its commits."""

    spark: SparkSession
    settings: Settings
    table: str
    dry_run: bool
    stopped: Callable[[], bool] = lambda: False


def compact(task: Task) -> dict[str, Any]:
    """Make the crowded hours one file each."""
    if task.dry_run:
        runs = compaction.crowded_hours(task.spark, task.table)
        return {"hours": sum(last - first + 1 for first, last in runs)}
    return asdict(compaction.compact(task.spark, task.table, task.stopped))


def deletes(task: Task) -> dict[str, Any]:
    """Work position deletes into few files; our own writers make none."""
    found = figures(task.spark, task.table).delete_files
    return {"rewritten": found if task.dry_run or not found else _deletes(task)}


def manifests(task: Task) -> dict[str, Any]:
    """Merge manifests."""
    if not task.dry_run:
        return {"rewritten": compaction.manifests(task.spark, task.table)}
    found = figures(task.spark, task.table).manifests
    return {"rewritten": found if plan.worth_merging(found) else 0}


def expire(task: Task) -> dict[str, Any]:
    """Let old snapshots go."""
    if not task.dry_run:
        return asdict(expiry.expire(task.spark, task.settings, task.table))
    ids, held = expiry.expirable(task.spark, task.settings, task.table)
    return {"snapshots": len(ids), "held": held}


def remove_orphans(task: Task) -> dict[str, Any]:
    """Remove files that no table knows; the first of them are named."""
    found = orphans.orphans(task.spark, task.settings, task.table, task.dry_run)
    return {"files": len(found), "named": found[:_MOST_NAMED]}


def retain(task: Task) -> dict[str, Any]:
    """Remove what is beyond its retention."""
    kept = {
        tables.BRONZE: task.settings.bronze_retention_days,
        tables.AUDIT: task.settings.audit_retention_days,
    }
    if days := kept.get(task.table):
        return asdict(old_days.take(task.spark, task.settings, task.table, days, task.dry_run))
    return {"rows": retention.retain(task.spark, task.settings, task.table, task.dry_run)}


def _deletes(task: Task) -> int:
    return compaction.delete_files(task.spark, task.table)


# In the order of a run: what goes first leaves less to the next.
STEPS: Final[dict[str, Callable[[Task], dict[str, Any]]]] = {
    "retention": retain,
    "compact": compact,
    "deletes": deletes,
    "manifests": manifests,
    "expire": expire,
    "orphans": remove_orphans,
}


def is_begun(spark: SparkSession, table: str) -> bool:
    """Whether a table has had a commit."""
    return snapshots.current_id(snapshots.load(spark, table)) is not None


def tables_to_maintain(names: list[str]) -> list[str]:
    """These in the lake's order; all where none is named."""
    return [
        each for each in tables.ALL if each != tables.MIGRATION and (not names or each in names)
    ]
