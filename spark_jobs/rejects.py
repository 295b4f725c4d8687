"""How many rows broke which rule: in a batch, and before the last stop of a stream."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from lakehouse.settings import Settings
from spark_jobs import sources
from spark_jobs.reject_limit import Judged, RejectLimit

# Each batch is one small row, perhaps in a file of its own: not more of them are opened than it
# takes. A stream that judged too few rows in the longer time is too slow to fill anything.
_LOOK_BACK = (timedelta(minutes=10), timedelta(hours=2))


def by_rule(judged: DataFrame) -> dict[str, int]:
    """Rule → rows of `judged` (with `reasons`) that break it, the commonest first."""
    named = judged.select(F.explode("reasons").alias("reason")).groupBy("reason").count()
    rows = named.orderBy(F.desc("count"), "reason").collect()
    return {row["reason"]: row["count"] for row in rows}


def limit(settings: Settings, recent: Iterable[Judged] = ()) -> RejectLimit:
    """The reject limit that the settings ask for, after these batches."""
    return RejectLimit(settings.reject_limit_percent, settings.reject_limit_rows, recent)


def recalled_limit(spark: SparkSession, settings: Settings, job: str) -> RejectLimit:
    """The reject limit of a job, with the batches that it judged before its last stop."""
    least = settings.reject_limit_rows
    recent = _recent(spark, job, least) if least else []
    return limit(settings, recent)


def _recent(spark: SparkSession, job: str, least: int) -> list[Judged]:
    """The last batches that hold `least` rows together, oldest first; fewer where there are."""
    newest = _newest_second(spark)
    found: list[Judged] = []
    if newest is None:
        return found
    for back in _LOOK_BACK:
        found = _since(spark, job, newest - back)
        if sum(batch.rows for batch in found) >= least:
            break
    return found


def _newest_second(spark: SparkSession) -> datetime | None:
    # From the files' statistics: no file is opened for it.
    newest = sources.table(spark, tables.AUDIT).agg(F.max("started_at").alias("at"))
    row = newest.select(F.unix_seconds("at").alias("at")).first()
    return None if row is None or row["at"] is None else datetime.fromtimestamp(row["at"], UTC)


def _since(spark: SparkSession, job: str, start: datetime) -> list[Judged]:
    mine = (F.col("job") == job) & (F.col("started_at") >= start) & (F.col("status") == "ok")
    rows = sources.table(spark, tables.AUDIT, mine & (F.col("rows_in") > 0))
    ordered = rows.orderBy("started_at").select("rows_in", "dq_fail")
    return [Judged(row["rows_in"], row["dq_fail"]) for row in ordered.collect()]
