"""Kafka records → Bronze rows: parsed where they can be, kept whole where they can't."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse import messages
from spark_jobs.quality import Rules

MESSAGE = ", ".join(f"{name} {kind}" for name, kind in messages.columns().items())
_FIELDS = tuple(field.split()[0] for field in MESSAGE.split(", "))
# Beyond the year 2200 an Iceberg hour would still fit, but no clock that matters reads so.
_LATEST_MICROS = 7_258_118_400_000_000


def bronze_rows(records: DataFrame, rules: Rules) -> DataFrame:
    """One row for each record of a Kafka source.

    `raw` keeps the value where a rule of quality is broken, and where it says more than is read.
    """
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
    kept = F.when(rules.broken() | _says_more(), F.coalesce("value", F.lit(b"")))
    return timed.withColumn("raw", kept).drop("value")


def differing(records: DataFrame, standing: DataFrame) -> DataFrame:
    """Of rows of Bronze those that are not the record that stands at their place already.

    A record that an older version could not read has no fields there: then its time alone tells.
    """
    same = F.col("r.kafka_timestamp").eqNullSafe(F.col("s.kafka_timestamp"))
    for name in ("exchange", "symbol", "agg_id"):
        same = same & F.coalesce(F.col(f"r.{name}") == F.col(f"s.{name}"), F.lit(True))
    for name in PLACE:
        same = same & (F.col(f"r.{name}") == F.col(f"s.{name}"))
    return records.alias("r").join(standing.alias("s"), same, "left_anti")


PLACE = ("kafka_topic", "kafka_partition", "kafka_offset")
_KAFKA = (*PLACE, "kafka_timestamp")


def _says_more() -> Column:
    """Whether a value has fields that this version doesn't know, by its commas: cheap and sure.

    A message of n fields has n - 1 commas, and so many fields were read as are not null. A comma
    within a text is taken for one more field: then the value is kept without need.
    """
    text = F.col("value").cast("string")
    commas = F.length(text) - F.length(F.replace(text, F.lit(","), F.lit("")))
    read = [F.col(name).isNotNull().cast("int") for name in _FIELDS]
    return commas >= sum(read[1:], read[0])


def _instant(micros: str) -> Column:
    plausible = F.col(micros).between(0, _LATEST_MICROS)
    return F.when(plausible, F.timestamp_micros(F.col(micros)))
