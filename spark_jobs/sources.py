"""The only reads: streams from Kafka and from tables, and tables as they stand."""

import re

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamReader

from lakehouse import kafka_security, pem, tables
from lakehouse.settings import Settings


def kafka_stream(spark: SparkSession, settings: Settings, topic: str) -> DataFrame:
    """Every record of a topic from its beginning: key, value, headers, coordinates.

    A record that Kafka deleted before it was read stops the stream: a loss is not passed over.
    A topic that does not exist stops it as well.
    """
    return _kafka(spark, settings, settings.max_rows_per_batch).option("subscribe", topic).load()


def awaited_kafka_stream(
    spark: SparkSession, settings: Settings, topic: str, most_rows: int
) -> DataFrame:
    """As `kafka_stream`, but a topic that does not exist is empty until somebody makes it."""
    # A pattern is looked for anew in each batch, a name must be there at the start.
    exactly = re.escape(topic)
    return _kafka(spark, settings, most_rows).option("subscribePattern", exactly).load()


def _kafka(spark: SparkSession, settings: Settings, most_rows: int) -> DataStreamReader:
    security = kafka_security.for_java(settings, pem.text(settings.kafka_ca_file))
    return (
        spark.readStream.format("kafka")
        .options(**{f"kafka.{name}": value for name, value in security.items()})
        .option("kafka.bootstrap.servers", settings.kafka_bootstrap_servers)
        .option("startingOffsets", "earliest")
        .option("failOnDataLoss", "true")
        .option("maxOffsetsPerTrigger", most_rows)
        .option("includeHeaders", "true")
    )


def table_stream(spark: SparkSession, settings: Settings, table: str) -> DataFrame:
    """The rows appended to a table, from its first snapshot on; what rewrites or removes rows is
    passed over."""
    return (
        spark.readStream.format("iceberg")
        .option("streaming-max-rows-per-micro-batch", settings.max_rows_per_batch)
        .option("streaming-skip-overwrite-snapshots", "true")
        .option("streaming-skip-delete-snapshots", "true")
        .load(tables.full_name(table))
    )


def table(spark: SparkSession, name: str, where: Column | None = None) -> DataFrame:
    """A table as of its newest snapshot, cut by a condition that its files are pruned with."""
    frame = spark.table(tables.full_name(name))
    return frame if where is None else frame.where(where)


def newest_trade_micros(spark: SparkSession) -> int:
    """The latest event time in Silver, µs UTC; 0 while Silver is empty."""
    # Of the column alone: then the files' statistics tell, and no file is read.
    newest = table(spark, tables.SILVER).agg(F.max("event_ts").alias("newest"))
    [found] = newest.select(F.unix_micros("newest").alias("micros")).collect()
    return int(found["micros"] or 0)
