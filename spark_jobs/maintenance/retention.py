"""Whole days of quarantine go once all of their records were released long enough ago.

Silver and Gold are kept for ever: a trade is known by its id standing in Silver, and one that is
read again would come in anew.
"""

from datetime import UTC, datetime, timedelta

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from lakehouse.settings import Settings

_DAY = "date(quarantined_at)"


def released_days(spark: SparkSession, settings: Settings) -> DataFrame:
    """The days of quarantine (`day`) beyond QUARANTINE_RETENTION_DAYS, with their `rows`."""
    until = datetime.now(UTC) - timedelta(days=settings.quarantine_retention_days)
    rows = spark.table(tables.full_name(tables.QUARANTINE))
    days = rows.groupBy(F.expr(_DAY).alias("day")).agg(
        F.count("*").alias("rows"),
        F.count_if(F.col("released_at").isNull()).alias("waiting"),
        F.max("released_at").alias("newest"),
    )
    return days.where((F.col("waiting") == 0) & (F.col("newest") < F.lit(until)))


def retain(spark: SparkSession, settings: Settings, table: str, dry_run: bool) -> int:
    """How many rows are beyond retention; they are gone afterwards, but in a dry run."""
    if table != tables.QUARANTINE or not settings.quarantine_retention_days:
        return 0
    found = released_days(spark, settings).collect()
    for row in () if dry_run else found:
        day = f"TIMESTAMP '{row['day']} 00:00:00'"
        spark.sql(
            f"DELETE FROM {tables.full_name(table)} "
            f"WHERE quarantined_at >= {day} AND quarantined_at < {day} + INTERVAL 1 DAY"
        )
    return sum(row["rows"] for row in found)
