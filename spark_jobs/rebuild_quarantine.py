"""Quarantine beside a rebuild of Silver: it holds what is rejected today, and releases the rest."""

from collections.abc import Mapping
from datetime import UTC, datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from spark_jobs import sinks, sources
from spark_jobs.rebuild_silver import SilverPlan, valid_rows
from spark_jobs.transforms import silver

_PLACE = ("kafka_topic", "kafka_partition", "kafka_offset")


def to_set_aside(spark: SparkSession, plan: SilverPlan) -> DataFrame:
    """Rows for quarantine: the rejected records that it does not hold, or has released."""
    rejected = plan.judged.where(F.size("reasons") > 0)
    missing = rejected.join(_held(spark), [*_PLACE], "left_anti")
    return silver.quarantine_rows(missing, F.lit(datetime.now(UTC)))


def set_aside(spark: SparkSession, plan: SilverPlan, properties: Mapping[str, str]) -> int:
    """Append what is to be set aside; how many rows that were."""
    for _ in range(sinks.MOST_TRIES if plan.rejected else 0):
        since = sinks.snapshot_id(spark, tables.QUARANTINE)
        rows = to_set_aside(spark, plan).localCheckpoint()
        count = rows.count()
        if not count:
            return 0
        try:
            sinks.append_if_unchanged(rows, tables.QUARANTINE, since, properties)
            return count
        except sinks.Conflict:
            continue
    if plan.rejected:
        raise sinks.crowded(tables.QUARANTINE)
    return 0


def passing(spark: SparkSession, plan: SilverPlan) -> DataFrame:
    """Where the records stand that quarantine holds and today's rules let pass."""
    places = valid_rows(plan.judged).select(*_PLACE)
    return places.join(F.broadcast(_held(spark)), [*_PLACE], "left_semi")


def release(spark: SparkSession, plan: SilverPlan) -> int:
    """Mark them as released, once they are in Silver; how many that were."""
    if _held(spark).isEmpty():
        return 0
    places = passing(spark, plan).localCheckpoint()
    count = places.count()
    if count:
        view = "rebuild_passed"
        places.createOrReplaceTempView(view)
        statement = tables.statement(tables.QUARANTINE, "passed").format(source=view)
        spark.sql(statement, args={"released_at": datetime.now(UTC)})
    return count


def _held(spark: SparkSession) -> DataFrame:
    return sources.table(spark, tables.QUARANTINE, F.col("released_at").isNull()).select(*_PLACE)
