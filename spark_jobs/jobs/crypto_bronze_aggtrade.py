"""Kafka → Bronze: every record exactly one row."""

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from lakehouse import tables
from spark_jobs import quality, sources
from spark_jobs.audit import Counts
from spark_jobs.sinks import Batch, OnceAppender
from spark_jobs.stream import Context, Pace
from spark_jobs.transforms.bronze import bronze_rows


class BronzeJob:
    """Appends the records of KAFKA_TOPIC."""

    name = tables.BRONZE
    pace = Pace.SETTING

    def __init__(self, context: Context) -> None:
        self._context = context
        self._table = OnceAppender(tables.BRONZE)
        self._rules = quality.rules(context.settings)

    def source(self) -> DataFrame:
        settings = self._context.settings
        return sources.kafka_stream(self._context.spark, settings, settings.kafka_topic)

    def process(self, rows: DataFrame, batch: Batch) -> Counts:
        written = self._table.committed_rows(rows.sparkSession, batch)
        if written is not None:
            return Counts(rows_in=written, rows_out=written, rows_upserted=written)
        return self._append(rows, batch)

    def _append(self, rows: DataFrame, batch: Batch) -> Counts:
        seen = Observation()
        observed = bronze_rows(rows, self._rules).observe(
            seen, F.count("*").alias("rows"), F.min(F.unix_micros("ingest_ts")).alias("oldest")
        )
        self._table.append(observed, batch)
        written, oldest = seen.get["rows"], seen.get["oldest"]
        return Counts(
            rows_in=written, rows_out=written, rows_upserted=written, oldest_ingest=oldest
        )
