"""Kafka records → what spark_jobs/gaps.py reads; what it found → rows of ops_gap and quarantine."""

from collections.abc import Sequence
from datetime import datetime

from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from lakehouse.gaps import GapMessage
from spark_jobs.gaps import MOST_BYTES, Key, Place, Record, Rejected

KAFKA = ("kafka_topic", "kafka_partition", "kafka_offset", "kafka_timestamp")
# Times cross between Spark and Python as µs UTC: a Python datetime would be in local time.
_MICROS = ("detected_at", "repaired_at", "kafka_timestamp")
_ROW = (
    "exchange STRING, symbol STRING, from_id BIGINT, to_id BIGINT, status STRING, "
    "detected_at BIGINT, repaired_at BIGINT, repaired_from STRING, reason STRING, "
    "kafka_topic STRING, kafka_partition INT, kafka_offset BIGINT, kafka_timestamp BIGINT"
)
_PLACE = "kafka_topic STRING, kafka_partition INT, kafka_offset BIGINT"


def kafka_records(source: DataFrame) -> DataFrame:
    """Records of a Kafka source with the names of the lake: KAFKA and `raw`."""
    return source.select(
        F.col("topic").alias("kafka_topic"),
        F.col("partition").alias("kafka_partition"),
        F.col("offset").alias("kafka_offset"),
        F.col("timestamp").alias("kafka_timestamp"),
        F.col("value").alias("raw"),
    )


def collected(records: DataFrame) -> list[Record]:
    """The records as spark_jobs/gaps.py takes them."""
    size = F.length("raw")
    rows = records.select(
        *_place(), F.when(size <= MOST_BYTES, F.col("raw")).alias("value"), size.alias("size")
    ).collect()
    return [Record(_place_of(row), _bytes(row["value"]), row["size"]) for row in rows]


def placed(gaps: DataFrame) -> DataFrame:
    """Of rows of ops_gap their keys, and where their messages stood."""
    return gaps.select("exchange", "symbol", "from_id", *_place())


def key_and_place(row: Row) -> tuple[Key, Place]:
    """A row of `placed`."""
    return (row["exchange"], row["symbol"], row["from_id"]), _place_of(row)


def gap_rows(
    spark: SparkSession, news: Sequence[tuple[Place, GapMessage]], updated_at: datetime
) -> DataFrame:
    """Gap messages as rows of ops_gap."""
    rows = spark.createDataFrame([_values(place, gap) for place, gap in news], _ROW)
    times = {name: F.timestamp_micros(name) for name in _MICROS}
    return rows.withColumns({**times, "updated_at": F.lit(updated_at)})


def quarantine_rows(
    records: DataFrame, rejected: Sequence[Rejected], standing: DataFrame, at: datetime
) -> DataFrame:
    """The rejected among the records, whole, without those that stand in quarantine already."""
    spark = records.sparkSession
    reasons = spark.createDataFrame(
        [(*each.place[:3], [each.reason]) for each in rejected], f"{_PLACE}, reasons ARRAY<STRING>"
    )
    place = list(KAFKA[:3])
    known = standing.join(F.broadcast(reasons), place, "left_semi").select(*place)
    return (
        records.join(F.broadcast(reasons), place)
        .join(F.broadcast(known), place, "left_anti")
        .select(*KAFKA, "raw", "reasons", F.lit(at).alias("quarantined_at"))
    )


def _place() -> list[Column]:
    """The columns of a Place."""
    at = F.unix_micros("kafka_timestamp").alias("kafka_timestamp")
    return [*(F.col(name) for name in KAFKA[:3]), at]


def _place_of(row: Row) -> Place:
    return Place(*(row[name] for name in KAFKA))


def _bytes(value: bytearray | None) -> bytes | None:
    return None if value is None else bytes(value)


def _values(place: Place, gap: GapMessage) -> tuple[object, ...]:
    """In the order of _ROW."""
    ids = (gap.exchange, gap.symbol, gap.from_id, gap.to_id)
    times = (gap.detected_at, gap.repaired_at)
    return (*ids, gap.status, *times, gap.repaired_from, gap.reason, *place)
