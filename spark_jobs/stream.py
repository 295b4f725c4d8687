"""What every streaming job shares: its context, its checkpoint, its trigger."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from lakehouse.settings import Settings
from spark_jobs.sinks import Batch
from spark_jobs.status import StatusFile


@dataclass(frozen=True)
class Context:
    """What a job is given: the session, the settings and the id of this start."""

    spark: SparkSession
    settings: Settings
    run_id: str
    status: StatusFile = field(default_factory=lambda: StatusFile(None))


class Job(Protocol):
    """A stream that fills one table. `name` is also the name of its query and checkpoint."""

    name: str

    def source(self) -> DataFrame:
        """The stream that the job reads."""

    def process(self, rows: DataFrame, batch: Batch) -> None:
        """Handle one micro-batch; called again with the same batch after a crash."""


def start(context: Context, job: Job, available_now: bool = False) -> StreamingQuery:
    """Start a job's query; with `available_now` it ends when all that is there is done."""
    # Each stream has a pool of its own, so that a long batch of one doesn't hold up the others.
    context.spark.sparkContext.setLocalProperty("spark.scheduler.pool", job.name)
    writer = (
        job.source()
        .writeStream.queryName(job.name)
        .option("checkpointLocation", f"{context.settings.checkpoints}/{job.name}")
        .foreachBatch(_identified(job))
    )
    if available_now:
        writer = writer.trigger(availableNow=True)
    else:
        writer = writer.trigger(processingTime=f"{context.settings.trigger_seconds} seconds")
    return writer.start()


def _identified(job: Job) -> Callable[[DataFrame, int], None]:
    def process(rows: DataFrame, batch_id: int) -> None:
        spark = rows.sparkSession
        query_id = spark.sparkContext.getLocalProperty("sql.streaming.queryId")
        if query_id is None:
            raise RuntimeError("Spark gave the micro-batch no query id")
        job.process(rows, Batch(query_id, batch_id))

    return process
