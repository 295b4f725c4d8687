"""The steps of a run on one table: each says what it did, or in a dry run what it would do."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from pyspark.sql import SparkSession

from lakehouse import tables
from lakehouse.id_ranges import Pair
from lakehouse.settings import Settings
from spark_jobs import snapshots
from spark_jobs.maintenance import compaction, expiry, old_days, orphans, plan, retention
from spark_jobs.maintenance.figures import Figures

_MOST_NAMED: Final = 20


@dataclass(frozen=True)
class Task:
    """A step on a table, as it was `before`. `stopped` ends it between two of its commits.

    `crowded`: the hours to be compacted, where that is the step.
    """

    spark: SparkSession
    settings: Settings
    table: str
    dry_run: bool
    stopped: Callable[[], bool] = lambda: False
    before: Figures = field(default_factory=Figures)
    crowded: Sequence[Pair] = ()


def compact(task: Task) -> dict[str, Any]:
    """Make the crowded hours one file each."""
    if task.dry_run:
        return {"hours": sum(last - first + 1 for first, last in task.crowded)}
    return asdict(compaction.compact(task.spark, task.table, task.crowded, task.stopped))


def deletes(task: Task) -> dict[str, Any]:
    """Work position deletes into few files; our own writers make none."""
    found = task.before.delete_files
    if found and not task.dry_run:
        found = compaction.delete_files(task.spark, task.table)
    return {"rewritten": found}


def manifests(task: Task) -> dict[str, Any]:
    """Merge manifests."""
    if not task.dry_run:
        return {"rewritten": compaction.manifests(task.spark, task.table)}
    found = task.before.manifests
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


# By the names of lakehouse.maintenance.STEPS.
WORK: Final[dict[str, Callable[[Task], dict[str, Any]]]] = {
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
