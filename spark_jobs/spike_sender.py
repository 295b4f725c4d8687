"""Posts the events of the outbox to SPIKE_WEBHOOK_URL, beside the streams and never in their way.

Each attempt has a thread of its own, as a receiver may take minutes to answer. One that is cut
short by the end of the application is made again at the next start: the receiver knows the event by
its id.
"""

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from queue import Empty, Queue
from random import Random
from typing import Final

import structlog
from pyspark.sql import SparkSession

from lakehouse import spike_post, tables
from lakehouse.backoff import backoff, worth_telling
from lakehouse.spike_delivery import Answer
from spark_jobs import faults, session
from spark_jobs.spike_line import DELIVERED, PENDING, REFUSED, Entry, Line, Mark
from spark_jobs.spike_recorder import Recorder
from spark_jobs.stream import Context

_MOST_AT_ONCE: Final = 4
_POLL_SECONDS: Final = 0.2
_LAST_ANSWERS_SECONDS: Final = 5.0
_LAST_MARKS_SECONDS: Final = 30.0
_WORK_OFF_SECONDS: Final = 30.0
log = structlog.get_logger(__name__)


class Sender:
    """One for an application whose Gold job enters spikes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._url = context.settings.spike_webhook_url.get_secret_value()
        self._secret = context.settings.spike_webhook_secret.get_secret_value()
        self._recorder = Recorder(context)
        self._line = Line(Random())
        self._answers: Queue[tuple[str, Answer]] = Queue()
        self._loaded = threading.Event()

    def keep(self, stop: threading.Event) -> None:
        """Stay until `stop`; a lake that is away is outlasted."""
        with session.of_this_thread(self._context.spark, tables.SPIKE) as spark:
            self._keep(spark, stop)

    def _keep(self, spark: SparkSession, stop: threading.Event) -> None:
        written = threading.Event()
        recording = threading.Thread(
            target=self._recorder.keep, args=(spark, written), daemon=True, name="spike-recorder"
        )
        self._load(spark, stop)
        recording.start()
        while not stop.is_set():
            self._turn()
        deadline = time.monotonic() + _LAST_ANSWERS_SECONDS
        while self._line.under_way and time.monotonic() < deadline:
            self._take_answers()
        written.set()
        recording.join(_LAST_MARKS_SECONDS)

    def work_off(self, stop: threading.Event) -> None:
        """Wait for a while until each event that is there was tried once, and that is on record."""
        deadline = time.monotonic() + _WORK_OFF_SECONDS
        while not stop.is_set() and time.monotonic() < deadline:
            waiting = self._context.outbox.news.qsize() or self._line.untried
            if self._loaded.is_set() and not waiting and not self._recorder.unsettled:
                return
            stop.wait(_POLL_SECONDS)

    def _load(self, spark: SparkSession, stop: threading.Event) -> None:
        """Take what an earlier start has left, and try again what was refused."""
        failures = 0
        while not stop.is_set():
            try:
                self._line.join(self._context.outbox.unfinished(spark, [PENDING, REFUSED]))
                self._context.status.spikes(self._context.outbox.counts(spark))
                return self._loaded.set()
            except Exception as error:  # the streams tell of a lake that is away, too
                log.warning("outbox_not_read", error=faults.reason(faults.causes(error)))
                stop.wait(backoff(failures, 1.0, 30.0, Random()))
                failures += 1

    def _turn(self) -> None:
        with suppress(Empty):
            while True:
                self._line.join(self._context.outbox.news.get_nowait())
        for mark in self._line.expired(datetime.now(UTC)):
            self._note(mark)
        for entry in self._line.due(time.monotonic(), _MOST_AT_ONCE):
            threading.Thread(target=self._attempt, args=(entry,), daemon=True).start()
        self._take_answers()

    def _attempt(self, entry: Entry) -> None:
        try:
            answer = spike_post.post(self._url, self._secret, entry.event_id, entry.body.encode())
        except Exception as error:  # its words might hold the address
            answer = Answer(0, words=f"it could not be posted: {type(error).__name__}")
        self._answers.put((entry.event_id, answer))

    def _take_answers(self) -> None:
        """Wait a moment for an answer, then take all that there are."""
        with suppress(Empty):
            found = self._answers.get(timeout=_POLL_SECONDS)
            while True:
                now, clock = time.monotonic(), datetime.now(UTC)
                self._note(self._line.answered(*found, now, clock))
                found = self._answers.get_nowait()

    def _note(self, mark: Mark) -> None:
        self._recorder.note(mark)
        told = {"event_id": mark.entry.event_id, "attempts": mark.entry.attempts}
        if mark.status == DELIVERED:
            log.info("spike_delivered", **told)
        elif mark.settled:
            log.warning(f"spike_{mark.status}", **told, reason=mark.last_error)
        elif worth_telling(self._line.failures(mark.entry.event_id)):
            log.info("spike_waits", **told, reason=mark.last_error)
