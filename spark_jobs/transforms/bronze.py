"""Kafka records → Bronze rows: parsed where they can be, kept whole where they can't."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.quality import Rules

MESSAGE = (
    "exchange STRING, symbol STRING, agg_id BIGINT, price STRING, qty STRING, "
    "first_trade_id BIGINT, last_trade_id BIGINT, trade_time BIGINT, event_time BIGINT, "
    "is_buyer_maker BOOLEAN, ingest_time BIGINT, source STRING, schema_version INT"
)
# Beyond the year 2200 an Iceberg hour would still fit, but no clock that matters reads so.
_LATEST_MICROS = 7_258_118_400_000_000


def bronze_rows(records: DataFrame, rules: Rules) -> DataFrame:
    """One row for each record of a Kafka source; `raw` where a rule of quality is broken."""
    parsed = records.select(
        F.from_json(F.col("value").cast("string"), MESSAGE).alias("message"),
        F.col("value"),
        F.col("topic").alias("kafka_topic"),
        F.col("partition").alias("kafka_partition"),
        F.col("offset").alias("kafka_offset"),
        F.col("timestamp").alias("kafka_timestamp"),
    )
    timed = (
        parsed.select("message.*", "value", *_KAFKA)
        .withColumn("event_ts", _instant("trade_time"))
        .withColumn("dt_hour", F.date_trunc("HOUR", "event_ts"))
        .withColumn("ingest_ts", _instant("ingest_time"))
    )
    kept = F.when(rules.broken(), F.coalesce("value", F.lit(b"")))
    return timed.withColumn("raw", kept).drop("value")


_KAFKA = ("kafka_topic", "kafka_partition", "kafka_offset", "kafka_timestamp")


def _instant(micros: str) -> Column:
    plausible = F.col(micros).between(0, _LATEST_MICROS)
    return F.when(plausible, F.timestamp_micros(F.col(micros)))
