"""Rows of quarantine → the records they were → judged again → what to write about them."""

from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.rules import OF_GAPS
from spark_jobs.quality import Rules
from spark_jobs.transforms import met, silver
from spark_jobs.transforms.bronze import bronze_rows

PLACE = (*met.LINE, met.OFFSET)
_READ = (*silver.KEY, "price", "qty", "event_ts", "ingest_ts")


def of_gaps(gap_topic: str) -> Column:
    """boolean: whether a row of quarantine is a message of the gap topic, and no trade."""
    named = F.arrays_overlap("reasons", F.array(*map(F.lit, OF_GAPS)))
    return (F.col("kafka_topic") == gap_topic) | F.coalesce(named, F.lit(False))


def judged_again(held: DataFrame, rules: Rules) -> DataFrame:
    """Bronze's rows of what is held, with today's `reasons`; what they were is in `held_for`.

    `raw` is read as Kafka's value: it is that, or its fields as JSON, which read the same.
    """
    records = held.select(
        F.col("raw").alias("value"),
        F.col("kafka_topic").alias("topic"),
        F.col("kafka_partition").alias("partition"),
        F.col("kafka_offset").alias("offset"),
        F.col("kafka_timestamp").alias("timestamp"),
    )
    before = held.select(*PLACE, F.col("reasons").alias("held_for"), "quarantined_at")
    return silver.judged(bronze_rows(records, rules), rules).join(before, list(PLACE))


def changes(judged: DataFrame, at: datetime) -> DataFrame:
    """What sql/crypto_quarantine/merge.sql takes: the rows that pass, or break other rules now."""
    differs = silver.passes() | ~F.col("reasons").eqNullSafe(F.col("held_for"))
    released_at = F.when(silver.passes(), F.lit(at)).alias("released_at")
    return judged.where(differs).select(*PLACE, *_READ, "reasons", "quarantined_at", released_at)


def unknown(trades: DataFrame, standing: DataFrame) -> DataFrame:
    """Trades whose key is not among `standing`."""
    return trades.join(standing.select(*silver.KEY), list(silver.KEY), "left_anti")
