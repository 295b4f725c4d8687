"""Reads of tables as of a snapshot, and of what was appended between two."""

from collections.abc import Iterable
from datetime import datetime

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from lakehouse.id_ranges import IdRanges
from lakehouse.spans import instant
from spark_jobs import minutes

# The newest partitions that a scheme of hours has: `event_ts_hour` or `minute_ts_hour`.
_HOUR = "partition.{}_hour"


def as_of(spark: SparkSession, name: str, snapshot: int | None) -> DataFrame:
    """A table as of a snapshot; without one (no commit yet) no rows."""
    full = tables.full_name(name)
    if snapshot is None:
        return spark.table(full).limit(0)
    return spark.read.option("versionAsOf", str(snapshot)).table(full)


def appended(spark: SparkSession, name: str, since: int, until: int) -> DataFrame:
    """The rows of the appends after snapshot `since` up to `until`; none of what was replaced."""
    reader = spark.read.option("start-snapshot-id", str(since))
    return reader.option("end-snapshot-id", str(until)).table(tables.full_name(name))


def rows_by_hour(spark: SparkSession, name: str, column: str) -> dict[int, int]:
    """Rows of each hour (since 1970) of a table that is partitioned by the hours of `column`.

    From the table's metadata: no file of data is read.
    """
    hour = _HOUR.format(column)
    partitions = spark.table(f"{tables.full_name(name)}.partitions")
    counted = partitions.groupBy(F.col(hour).alias("hour")).agg(F.sum("record_count").alias("rows"))
    return {row["hour"]: row["rows"] for row in counted.where("hour IS NOT NULL").collect()}


def within_hours(column: str, hours: Iterable[int]) -> Column:
    """Whether a timestamp falls into one of these hours, as ranges that files are pruned with."""
    condition = F.lit(False)
    for first, last in IdRanges.from_ids(hours):
        condition = condition | between_hours(column, first, last + 1)
    return condition


def near_hours(column: str, hours: Iterable[int]) -> Column:
    """As `within_hours`, but of many scattered hours some between them may be taken along."""
    condition = F.lit(False)
    for first, last in minutes.few(IdRanges.from_ids(hours).pairs):
        condition = condition | between_hours(column, first, last + 1)
    return condition


def between_hours(column: str, first: int, end: int) -> Column:
    """Whether a timestamp is in the hours from `first` up to `end`, the first one outside."""
    return between(column, instant(first), instant(end))


def between(column: str, start: datetime, end: datetime) -> Column:
    """Whether a timestamp is from `start` on and before `end`."""
    return (F.col(column) >= F.lit(start)) & (F.col(column) < F.lit(end))
