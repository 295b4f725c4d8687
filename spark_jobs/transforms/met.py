"""Kafka records that stand in Bronze already: told by their offsets, before they are written."""

from collections.abc import Iterable, Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.id_ranges import Pair
from spark_jobs.bitmaps import Line

# Bronze's names of a Kafka record's topic and partition.
LINE = ("kafka_topic", "kafka_partition")
OFFSET = "kafka_offset"
_MET = "firehose: an offset that may stand in Bronze already"


def newer_only(records: DataFrame, lasts: Iterable[tuple[Line, int]]) -> DataFrame:
    """The records of a Kafka source; reading one of an offset up to the last known fails.

    So an ordinary batch is written in one pass: what was not looked for can't be passed over.
    """
    old = _any(_of(line) & (F.col("offset") <= last) for line, last in lasts)
    return records.where(F.when(old, F.raise_error(F.lit(_MET)).cast("boolean")).otherwise(True))


def was_met(error: Exception) -> bool:
    """Whether `newer_only` is why a query failed."""
    return _MET in str(error)


def by_partition(records: DataFrame) -> DataFrame:
    """Rows, first and last offset of each partition: topic, partition, rows, first, last."""
    return records.groupBy("topic", "partition").agg(
        F.count("*").alias("rows"), F.min("offset").alias("first"), F.max("offset").alias("last")
    )


def bounds(rows: DataFrame) -> dict[Line, Pair]:
    """The first and last offset of each partition among rows of Bronze."""
    found = rows.groupBy(*LINE).agg(F.min(OFFSET).alias("first"), F.max(OFFSET).alias("last"))
    return {(row[0], row[1]): (row["first"], row["last"]) for row in found.collect()}


def between(bounds: Mapping[Line, Pair]) -> Column:
    """Whether a row of Bronze is between the bounds of its partition, both included."""
    return _any(
        (F.col(LINE[0]) == line[0]) & (F.col(LINE[1]) == line[1]) & F.col(OFFSET).between(lo, hi)
        for line, (lo, hi) in bounds.items()
    )


def _of(line: Line) -> Column:
    topic, partition = line
    return (F.col("topic") == topic) & (F.col("partition") == partition)


def _any(conditions: Iterable[Column]) -> Column:
    found = F.lit(False)
    for condition in conditions:
        found = found | condition
    return found
