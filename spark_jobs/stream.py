"""What every streaming job shares: its context, checkpoint, trigger and audit."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from prometheus_client import CollectorRegistry
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from lakehouse.settings import Settings
from spark_jobs.audit import Auditor, Counts
from spark_jobs.checkpoints import clear_debris
from spark_jobs.lease import Lease
from spark_jobs.lineage import Lineage
from spark_jobs.sinks import Batch
from spark_jobs.spike_outbox import Outbox
from spark_jobs.status import StatusFile

# Below this many rows Spark spends longer on compiling a plan to bytecode than on running it:
# without, a batch of 1,000 rows took 0.8 s instead of 1.3 s to Silver, 1.4 s instead of 2.3 s to
# Gold (docs/benchmarks.md).
_COMPILE_FROM_ROWS = 20_000
# What few look at by the second must not take the processor from what many do.
_UNHURRIED_SECONDS = 5.0


@dataclass
class Pulse:
    """What the last batches of a stream came to.

    `finished_at`: monotonic seconds. `error`: what the last batch raised. Spark hands an error of
    Python on as a text; here it is what it was. `watermark_micros`: event time, µs UTC.
    """

    finished_at: float | None = None
    error: Exception | None = None
    watermark_micros: int | None = None

    def taken_error(self) -> Exception | None:
        """The error, once."""
        error, self.error = self.error, None
        return error


@dataclass(frozen=True)
class Context:
    """What a job is given: the session, the settings, the id of this start and its lease.

    `lineage` is told of the streams' runs. `registry`: a part that has figures of its own registers
    a collector there.
    """

    spark: SparkSession
    settings: Settings
    run_id: str
    status: StatusFile = field(default_factory=lambda: StatusFile(None))
    lease: Lease | None = None
    lineage: Lineage | None = None
    outbox: Outbox = field(default_factory=Outbox)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    _pulses: dict[str, Pulse] = field(default_factory=dict)

    def pulse(self, job: str) -> Pulse:
        """That of a job of this start."""
        return self._pulses.setdefault(job, Pulse())


class Pace(Enum):
    """When a stream looks for its next batch."""

    FOLLOWING = "as soon as the table that it reads has a new commit"
    SETTING = "every TRIGGER_SECONDS, which so sets the pace of those that follow"
    UNHURRIED = "every TRIGGER_SECONDS, or every 5 s where that is longer"

    def pause(self, settings: Settings) -> float:
        """Seconds from the start of a batch to the earliest start of the next."""
        if self is Pace.FOLLOWING:
            return 0.0
        least = _UNHURRIED_SECONDS if self is Pace.UNHURRIED else 0.0
        return max(least, settings.trigger_seconds)


class Job(Protocol):
    """A stream that fills one table. `name` is also the name of its query and checkpoint."""

    name: str
    pace: Pace

    def source(self) -> DataFrame:
        """The stream that the job reads."""

    def process(self, rows: DataFrame, batch: Batch) -> Counts:
        """Handle one micro-batch; called again with the same batch after a crash."""


def start(context: Context, job: Job, available_now: bool = False) -> StreamingQuery:
    """Start a job's query; with `available_now` it ends when all that is there is done."""
    checkpoint = f"{context.settings.checkpoints}/{job.name}"
    clear_debris(checkpoint)
    # Each stream has a pool of its own, so that a long batch of one doesn't hold up the others.
    context.spark.sparkContext.setLocalProperty("spark.scheduler.pool", job.name)
    writer = (
        job.source()
        .writeStream.queryName(job.name)
        .option("checkpointLocation", checkpoint)
        .foreachBatch(_audited(context, job))
    )
    if available_now:
        writer = writer.trigger(availableNow=True)
    else:
        pause = job.pace.pause(context.settings)
        writer = writer.trigger(processingTime=f"{pause} seconds")
    return writer.start()


def _audited(context: Context, job: Job) -> Callable[[DataFrame, int], None]:
    auditor = Auditor(context.run_id, job.name, context.status)
    pulse = context.pulse(job.name)

    def process(rows: DataFrame, batch_id: int) -> None:
        try:
            if context.lease is not None:
                context.lease.check()
            _process(job, auditor, rows, batch_id)
        except Exception as error:
            pulse.error = error
            raise
        pulse.finished_at = time.monotonic()

    return process


def _process(job: Job, auditor: Auditor, rows: DataFrame, batch_id: int) -> None:
    spark = rows.sparkSession
    query_id = spark.sparkContext.getLocalProperty("sql.streaming.queryId")
    if query_id is None:
        raise RuntimeError("Spark gave the micro-batch no query id")
    batch = Batch(query_id, batch_id)
    with auditor.watching(spark, batch) as record:
        record.counts = job.process(rows, batch)
    compile_plans(spark, record.counts.rows_in)


def compile_plans(spark: SparkSession, rows: int) -> None:
    """Whether the next plans are compiled; they are about so many rows.

    Of a stream's next batch the last one's size is the best guess.
    """
    wanted = rows >= _COMPILE_FROM_ROWS
    spark.conf.set("spark.sql.codegen.wholeStage", "true" if wanted else "false")
    spark.conf.set("spark.sql.codegen.factoryMode", "FALLBACK" if wanted else "NO_CODEGEN")
