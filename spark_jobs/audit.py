"""ops_audit: one row for each micro-batch of each job; the counts add up or are refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import structlog
from pyspark.sql import SparkSession

from lakehouse import tables
from spark_jobs.sinks import Batch, OnceAppender
from spark_jobs.status import StatusFile

# For a stream that failed between two batches: its row names none.
NO_BATCH: Final = Batch("", -1)
_MOST_ERROR: Final = 2000
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Counts:
    """What happened to the rows of a batch. `oldest_ingest`: earliest receive time, µs UTC."""

    rows_in: int = 0
    rows_out: int = 0
    rows_duplicate: int = 0
    rows_late: int = 0
    dq_fail: int = 0
    rows_upserted: int = 0
    oldest_ingest: int | None = None

    def __post_init__(self) -> None:
        accounted = self.rows_out + self.rows_duplicate + self.dq_fail
        if self.rows_in != accounted:
            raise ValueError(f"{self.rows_in} rows came in, {accounted} are accounted for")


@dataclass
class Auditor:
    """Writes the audit rows of one job, each once."""

    run_id: str
    job: str
    status: StatusFile
    _appender: OnceAppender = field(default_factory=lambda: OnceAppender(tables.AUDIT))

    @contextmanager
    def watching(self, spark: SparkSession, batch: Batch) -> Iterator["Record"]:
        """Times a batch; records its counts, or its error before the error goes on."""
        record = Record(datetime.now(UTC))
        try:
            yield record
        except Exception as error:
            self.failed(spark, batch, record, f"{type(error).__name__}: {error}")
            raise
        self._write(spark, batch, record, None)

    def failed(self, spark: SparkSession, batch: Batch, record: "Record", error: str) -> None:
        """Record a failed try, where the lake takes it; otherwise the log has it."""
        try:
            self._write(spark, batch, record, error[:_MOST_ERROR])
        except Exception as unwritten:  # the lake itself may be what failed
            log.warning(
                "failure_not_audited", job=self.job, error=error[:500],
                reason=str(unwritten)[:500],
            )  # fmt: skip

    def _write(
        self, spark: SparkSession, batch: Batch, record: "Record", error: str | None
    ) -> None:
        counts = record.counts if error is None else Counts()
        # A failed try must not count as the batch's audit when the batch is run again.
        identity = batch if error is None else replace(batch, query_id=f"failed-{uuid4().hex}")
        if self._appender.committed_rows(spark, identity) is not None:
            return
        row = {
            "run_id": self.run_id,
            "job": self.job,
            "batch_id": None if batch == NO_BATCH else batch.batch_id,
            "query_id": None if batch == NO_BATCH else batch.query_id,
            **_figures(counts, record.started_at, datetime.now(UTC)),
            "status": "ok" if error is None else "failed",
            "error": error,
        }
        select = ", ".join(
            f"CAST(:{name} AS {_TYPES.get(name, 'BIGINT')}) AS {name}" for name in row
        )
        self._appender.append(spark.sql(f"SELECT {select}", args=row), identity)
        if error is None:
            self.status.add(self.job, row)


@dataclass
class Record:
    """Filled by the job while it works on a batch."""

    started_at: datetime
    counts: Counts = field(default_factory=Counts)


_TYPES = {
    "run_id": "STRING", "job": "STRING", "query_id": "STRING", "status": "STRING",
    "error": "STRING", "started_at": "TIMESTAMP", "finished_at": "TIMESTAMP",
}  # fmt: skip


def _figures(counts: Counts, started: datetime, finished: datetime) -> dict[str, object]:
    figures = asdict(counts)
    oldest = figures.pop("oldest_ingest")
    lag_ms = None if oldest is None else int(finished.timestamp() * 1000) - oldest // 1000
    return {
        **figures,
        "dq_pass": counts.rows_in - counts.dq_fail,
        "started_at": started,
        "finished_at": finished,
        "max_lag_ms": lag_ms,
    }
