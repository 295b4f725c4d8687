"""Dead letters → ops_audit: what the producer could not read is counted here too.

The letters stay in KAFKA_DLQ_TOPIC with their raw bytes and reasons; this job fills no table of
its own.
"""

from pyspark.sql import DataFrame

from spark_jobs import sources
from spark_jobs.audit import Counts
from spark_jobs.sinks import Batch
from spark_jobs.stream import Context, Pace


class DeadLetterJob:
    """Counts the records of KAFKA_DLQ_TOPIC as rows that failed."""

    name = "dead_letters"
    pace = Pace.SETTING

    def __init__(self, context: Context) -> None:
        self._context = context

    def source(self) -> DataFrame:
        settings = self._context.settings
        return sources.kafka_stream(self._context.spark, settings, settings.kafka_dlq_topic)

    def process(self, rows: DataFrame, batch: Batch) -> Counts:
        del batch
        letters = rows.count()
        return Counts(rows_in=letters, dq_fail=letters)
