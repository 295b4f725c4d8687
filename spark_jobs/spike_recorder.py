"""Puts on record what became of spike events: in the outbox, in ops_audit, in the status file.

It has a thread of its own, so that no event waits for a commit about another one.
"""

import threading
import time
from collections.abc import Sequence
from random import Random
from typing import Final

import structlog
from pyspark.sql import SparkSession

from lakehouse import tables
from lakehouse.backoff import backoff, worth_telling
from spark_jobs import faults
from spark_jobs.audit import Auditor, Counts
from spark_jobs.sinks import Batch
from spark_jobs.spike_line import DELIVERED, Mark
from spark_jobs.spike_outbox import micros
from spark_jobs.stream import Context, compile_plans

# How often a commit may say no more than that events still wait.
WAITS_TOLD_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.2
log = structlog.get_logger(__name__)


class Recorder:
    """Of each event the newest mark counts; none is forgotten until the lake has it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._auditor = Auditor(context.run_id, tables.SPIKE, context.status)
        self._lock = threading.Lock()
        self._marks: dict[str, Mark] = {}
        self._written_at = float("-inf")
        self._rounds = 0
        self._faults = 0

    def note(self, mark: Mark) -> None:
        """Leave a mark to be written; costs nothing."""
        with self._lock:
            self._marks[mark.entry.event_id] = mark

    @property
    def unsettled(self) -> bool:
        """Whether there is an end of an event that is not on record yet."""
        with self._lock:
            return any(mark.settled for mark in self._marks.values())

    def keep(self, spark: SparkSession, stop: threading.Event) -> None:
        """Write until `stop`, and what is left then; a lake that is away is outlasted."""
        spark.sparkContext.setLocalProperty("spark.scheduler.pool", tables.SPIKE)
        compile_plans(spark, 0)
        while not stop.wait(_POLL_SECONDS):
            if not self._tried(spark):
                stop.wait(backoff(self._faults - 1, 1.0, 30.0, Random()))
        self._written_at = float("-inf")
        self._tried(spark)

    def _tried(self, spark: SparkSession) -> bool:
        """Whether what had to be written is."""
        try:
            self._write(spark)
        except Exception as error:  # whatever it is, the marks stay for the next time
            self._faults += 1
            if worth_telling(self._faults):
                why = faults.reason(faults.causes(error))
                log.warning("spike_marks_not_written", error=why, times=self._faults)
            return False
        self._faults = 0
        return True

    def _write(self, spark: SparkSession) -> None:
        with self._lock:
            marks = list(self._marks.values())
        settled = [mark for mark in marks if mark.settled]
        rested = time.monotonic() - self._written_at >= WAITS_TOLD_SECONDS
        if not settled and not (marks and rested):
            return
        if settled:
            self._rounds += 1
            batch = Batch(self._context.run_id, self._rounds)
            with self._auditor.watching(spark, batch) as record:
                self._context.outbox.mark(spark, marks)
                record.counts = _counts(settled)
        else:
            self._context.outbox.mark(spark, marks)
        self._written_at = time.monotonic()
        self._forget(marks)
        self._context.status.spikes(self._context.outbox.counts(spark))

    def _forget(self, written: Sequence[Mark]) -> None:
        with self._lock:
            for mark in written:
                if self._marks.get(mark.entry.event_id) is mark:
                    del self._marks[mark.entry.event_id]


def _counts(settled: Sequence[Mark]) -> Counts:
    delivered = sum(mark.status == DELIVERED for mark in settled)
    return Counts(
        rows_in=len(settled),
        rows_out=delivered,
        dq_fail=len(settled) - delivered,
        rows_upserted=len(settled),
        oldest_ingest=min(micros(mark.entry.detected_at) for mark in settled),
    )
