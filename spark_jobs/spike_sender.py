"""Posts the events of the outbox to SPIKE_WEBHOOK_URL, beside the streams and never in their way.

Each attempt has a thread of its own, as a receiver may take minutes to answer. One that is cut
short by the end of the application is made again at the next start: the receiver knows the event by
its id.
"""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from queue import Empty, Queue
from random import Random
from typing import Final

import structlog
from pyspark.sql import SparkSession

from lakehouse import spike_post, tables
from lakehouse.backoff import backoff
from lakehouse.spike_delivery import Answer
from spark_jobs import faults
from spark_jobs.audit import Auditor, Counts
from spark_jobs.sinks import Batch
from spark_jobs.spike_line import DELIVERED, PENDING, REFUSED, Entry, Line, Mark
from spark_jobs.spike_outbox import micros
from spark_jobs.stream import Context, compile_plans

_MOST_AT_ONCE: Final = 4
_POLL_SECONDS: Final = 0.5
# How often a commit may say no more than that an event still waits.
_WAITS_TOLD_SECONDS: Final = 60.0
_LAST_ANSWERS_SECONDS: Final = 5.0
_WORK_OFF_SECONDS: Final = 30.0
log = structlog.get_logger(__name__)


class Sender:
    """One for an application whose Gold job enters spikes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._url = context.settings.spike_webhook_url.get_secret_value()
        self._secret = context.settings.spike_webhook_secret.get_secret_value()
        self._auditor = Auditor(context.run_id, tables.SPIKE, context.status)
        self._line = Line(Random())
        self._answers: Queue[tuple[str, Answer]] = Queue()
        self._marks: dict[str, Mark] = {}
        self._loaded = False
        self._written_at = float("-inf")
        self._rounds = 0
        self._faults = 0

    def keep(self, stop: threading.Event) -> None:
        """Stay until `stop`; a lake that is away is outlasted."""
        # A pool and temporary views of its own.
        spark = self._context.spark.newSession()
        spark.sparkContext.setLocalProperty("spark.scheduler.pool", tables.SPIKE)
        compile_plans(spark, 0)
        while not stop.is_set():
            try:
                self._turn(spark)
                self._faults = 0
            except Exception as error:  # whatever it is, the events must not wait for ever
                self._tell_fault(error)
                stop.wait(backoff(self._faults - 1, 1.0, 30.0, Random()))
        self._finish(spark)

    def work_off(self, stop: threading.Event) -> None:
        """Wait for a while until each event that is there was tried once."""
        deadline = time.monotonic() + _WORK_OFF_SECONDS
        while not stop.is_set() and time.monotonic() < deadline:
            unwritten = any(mark.settled for mark in list(self._marks.values()))
            busy = self._context.outbox.found.is_set() or self._line.untried or unwritten
            if self._loaded and not busy:
                return
            stop.wait(_POLL_SECONDS)

    def _turn(self, spark: SparkSession) -> None:
        if self._context.lease is not None:
            self._context.lease.check()
        self._load(spark)
        for mark in self._line.expired(datetime.now(UTC)):
            self._note(mark)
        for entry in self._line.due(time.monotonic(), _MOST_AT_ONCE):
            threading.Thread(target=self._attempt, args=(entry,), daemon=True).start()
        self._take_answers(_POLL_SECONDS)
        self._write(spark)

    def _load(self, spark: SparkSession) -> None:
        """Read what is new; at the start also what was refused before."""
        outbox = self._context.outbox
        if self._loaded and not outbox.found.is_set():
            return
        outbox.found.clear()
        try:
            statuses = [PENDING] if self._loaded else [PENDING, REFUSED]
            self._line.join(outbox.unfinished(spark, statuses))
        except Exception:
            outbox.found.set()
            raise
        self._loaded = True
        self._context.status.spikes(outbox.counts(spark))

    def _attempt(self, entry: Entry) -> None:
        try:
            answer = spike_post.post(self._url, self._secret, entry.event_id, entry.body.encode())
        except Exception as error:  # its words might hold the address
            answer = Answer(0, words=f"it could not be posted: {type(error).__name__}")
        self._answers.put((entry.event_id, answer))

    def _take_answers(self, seconds: float) -> None:
        """Wait so long for an answer, then take all that there are."""
        with suppress(Empty):
            found = self._answers.get(timeout=seconds)
            while True:
                self._note(
                    self._line.answered(*found, time.monotonic(), datetime.now(UTC)),
                )
                found = self._answers.get_nowait()

    def _note(self, mark: Mark) -> None:
        self._marks[mark.entry.event_id] = mark
        told = {"event_id": mark.entry.event_id, "attempts": mark.entry.attempts}
        if mark.status == DELIVERED:
            log.info("spike_delivered", **told)
        elif mark.settled:
            log.warning(f"spike_{mark.status}", **told, reason=mark.last_error)
        elif (failures := self._line.failures(mark.entry.event_id)) & (failures - 1) == 0:
            log.info("spike_waits", **told, reason=mark.last_error)  # the 1st, 2nd, 4th, 8th time

    def _write(self, spark: SparkSession) -> None:
        """Put on record what has become of events; that one waits still, once a minute."""
        marks = list(self._marks.values())
        rested = time.monotonic() - self._written_at >= _WAITS_TOLD_SECONDS
        if not marks or not (rested or any(mark.settled for mark in marks)):
            return
        settled = [mark for mark in marks if mark.settled]
        if settled:
            self._rounds += 1
            batch = Batch(self._context.run_id, self._rounds)
            with self._auditor.watching(spark, batch) as record:
                self._context.outbox.mark(spark, marks)
                record.counts = _counts(settled)
        else:
            self._context.outbox.mark(spark, marks)
        self._written_at = time.monotonic()
        self._marks = {}
        self._context.status.spikes(self._context.outbox.counts(spark))

    def _finish(self, spark: SparkSession) -> None:
        """Give attempts under way a moment, so that few have to be made again."""
        deadline = time.monotonic() + _LAST_ANSWERS_SECONDS
        while self._line.under_way and time.monotonic() < deadline:
            self._take_answers(_POLL_SECONDS)
        self._written_at = float("-inf")
        with suppress(Exception):  # Java may have ended; the next start does it again
            self._write(spark)

    def _tell_fault(self, error: Exception) -> None:
        self._faults += 1
        if self._faults & (self._faults - 1) == 0:
            log.warning("spike_sender_failed", error=faults.reason(faults.causes(error)))


def _counts(settled: Sequence[Mark]) -> Counts:
    delivered = sum(mark.status == DELIVERED for mark in settled)
    return Counts(
        rows_in=len(settled),
        rows_out=delivered,
        dq_fail=len(settled) - delivered,
        rows_upserted=len(settled),
        oldest_ingest=min(micros(mark.entry.detected_at) for mark in settled),
    )
