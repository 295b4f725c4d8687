"""Quarantine beside a rebuild of Silver: it holds what is rejected today, and releases the rest.

What Silver's stream has not come to yet is left to it: set aside by both, a record would wait in
quarantine twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from spark_jobs import sinks, snapshots, sources
from spark_jobs.rebuild_silver import SilverPlan, SilverPlanner
from spark_jobs.transforms import release as transform
from spark_jobs.transforms import silver
from spark_jobs.transforms.release import PLACE
from spark_jobs.tries import until_taken


@dataclass(frozen=True)
class Aside:
    """What of a planned piece belongs into quarantine, and what no longer does."""

    spark: SparkSession
    planner: SilverPlanner
    plan: SilverPlan

    def to_hold(self) -> DataFrame:
        """Rows for quarantine: the rejected records that it does not hold, or has released."""
        settled = self.planner.judged(settled_bronze(self.spark, self.plan.seen.bronze))
        missing = settled.where(~silver.passes()).join(self._held(), [*PLACE], "left_anti")
        rows = silver.quarantine_rows(missing, F.lit(datetime.now(UTC)))
        freed = rows.join(self._freed(), [*PLACE], "left_semi")
        # What Bronze could not read when it came may have been released, read from its bytes.
        well = transform.judged_again(freed, self.planner.rules).where(silver.passes())
        return rows.join(well.select(*PLACE), [*PLACE], "left_anti")

    def hold(self, properties: Mapping[str, str]) -> int:
        """Append what is to be held; how many rows that were."""
        if not self.plan.rejected:
            return 0
        return until_taken(tables.QUARANTINE, lambda: self._append(properties))

    def _append(self, properties: Mapping[str, str]) -> int:
        since = sinks.snapshot_id(self.spark, tables.QUARANTINE)
        rows = self.to_hold().localCheckpoint()
        count = rows.count()
        if count:
            sinks.append_if_unchanged(rows, tables.QUARANTINE, since, properties)
        return count

    def passing(self) -> DataFrame:
        """Where the records stand that quarantine holds and today's rules let pass."""
        places = self.plan.judged.where(silver.passes()).select(*PLACE)
        return places.join(F.broadcast(self._held()), [*PLACE], "left_semi")

    def release(self) -> int:
        """Mark them as released, once they are in Silver; how many that were."""
        if self._held().isEmpty():
            return 0
        places = self.passing().localCheckpoint()
        count = places.count()
        if count:
            until_taken(tables.QUARANTINE, lambda: _mark_passed(places))
        return count

    def _freed(self) -> DataFrame:
        released = F.col("released_at").isNotNull()
        return sources.table(self.spark, tables.QUARANTINE, released).select(*PLACE).distinct()

    def _held(self) -> DataFrame:
        waiting = F.col("released_at").isNull()
        return sources.table(self.spark, tables.QUARANTINE, waiting).select(*PLACE)


def _mark_passed(places: DataFrame) -> None:
    bounds: dict[str, object] = {"released_at": datetime.now(UTC)}
    sinks.merge(places, tables.QUARANTINE, bounds, "passed")


def settled_bronze(spark: SparkSession, at: int | None) -> int | None:
    """The newest snapshot of Bronze up to `at` whose records Silver's stream has all judged.

    By the sums of ops_audit: as many of the newest records are taken for open as it lacks.
    """
    loaded = snapshots.load(spark, tables.BRONZE)
    judged, removed = _judged(spark), snapshots.removed(loaded)
    newer: list[Mapping[str, str]] = []
    reached = False
    for snapshot in snapshots.committed_after(loaded, None):
        reached = reached or snapshot.snapshotId() == at
        summary = dict(snapshot.summary())
        came = int(summary.get("total-records") or 0) + removed.rows_before(newer)
        if reached and came <= judged:
            return int(snapshot.snapshotId())
        newer.append(summary)
    return None


def _judged(spark: SparkSession) -> int:
    """How many records Silver's stream has judged, by its audit."""
    of_stream = (F.col("job") == tables.SILVER) & (F.col("status") == "ok")
    rows = sources.table(spark, tables.AUDIT, of_stream).agg(F.sum("rows_in")).collect()
    gone = snapshots.removed(snapshots.load(spark, tables.AUDIT)).sums
    return int(rows[0][0] or 0) + sum(gone.values())
