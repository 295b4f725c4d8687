"""Keeps one stream running: it is started again, alone, after a fault that may mend itself."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import Any, Final, cast

import structlog
from pyspark.sql.streaming.query import StreamingQuery

from lakehouse.errors import FirehoseError, StackError
from spark_jobs import faults
from spark_jobs.audit import NO_BATCH, Auditor, Record
from spark_jobs.recovery import PATIENCE_SECONDS, WELL_SECONDS, Recovery
from spark_jobs.stream import Context, Job, start

_POLL_SECONDS: Final = 0.5
_SIGNAL_SECONDS: Final = 0.3
# Spark's word for a stream that has done what there was and waits for data or for its trigger.
_IDLE: Final = "Waiting for"
log = structlog.get_logger(__name__)


class Keeper:
    """One stream, from its first start to its end. `failure` is set where it can't go on."""

    def __init__(self, context: Context, name: str, make: Callable[[Context], Job]) -> None:
        self.name = name
        self.failure: FirehoseError | None = None
        self._context = context
        self._make = make
        self._recovery = Recovery()
        self._query: StreamingQuery | None = None
        self._started_at = 0.0
        self._rng = Random()
        self._ended = False

    @property
    def state(self) -> str:
        """How the stream is doing: one of `metrics.STATES`."""
        if self.failure is not None:
            return "failed"
        if self._ended:
            return "stopped"
        return "restarting" if self._query is None else "running"

    def progress(self) -> Mapping[str, Any] | None:
        """Spark's report on the last batch, as its JSON; None without one."""
        query = self._query
        with suppress(Exception):  # Java may have ended
            found = query.lastProgress if query is not None else None
            return None if found is None else cast(Mapping[str, Any], json.loads(found.json))
        return None

    def start(self) -> None:
        """Start the stream with a fresh job, which recalls its state from the lake."""
        self._started_at = time.monotonic()
        self._context.pulse(self.name).taken_error()
        self._query = start(self._context, self._make(self._context))
        if (lineage := self._context.lineage) is not None:
            lineage.started(self.name)

    def keep(self, stop: threading.Event) -> None:
        """Stay with the started stream until `stop`, then end it."""
        try:
            while not stop.is_set():
                error = self._watch(stop)
                # A signal to end that reaches Java first makes the stream fail.
                if error is not None and not stop.wait(_SIGNAL_SECONDS):
                    self._recover(error, stop)
        except FirehoseError as error:
            self.failure = error
        except Exception as error:  # a bug of ours must not leave the stream dead and untold
            log.exception("keeper_failed", job=self.name)
            self.failure = StackError(f"The stream {self.name} failed: {error!r}")
        finally:
            self._halt()

    def work_off(self, stop: threading.Event) -> None:
        """Return when the stream has done all that its source holds, whatever happens meanwhile."""
        while not stop.is_set() and self.failure is None:
            query = self._query
            with suppress(Exception):  # its keeper starts it again, or says why not
                if query is not None:
                    query.processAllAvailable()
                    if query is self._query and query.isActive:
                        return
            stop.wait(_POLL_SECONDS)

    def _watch(self, stop: threading.Event) -> BaseException | None:
        """What the running stream ended with; None where it is to be stopped."""
        query = self._query
        if query is None:
            return self._try_again()
        while not stop.is_set():
            try:
                if query.awaitTermination(_POLL_SECONDS):  # type: ignore[arg-type]  # it takes both
                    return StackError(f"The stream {self.name} ended by itself.")
                self._see_it_well(query)
            except Exception as error:
                return error
        return None

    def _try_again(self) -> Exception | None:
        self._context.status.restarted(self.name)
        try:
            self.start()
        except Exception as error:
            return error
        log.info("stream_started_again", job=self.name, failures=self._recovery.failures)
        return None

    def _recover(self, error: BaseException, stop: threading.Event) -> None:
        """Tell of the fault and wait; raises what ends the application."""
        self._query = None
        pulse = self._context.pulse(self.name)
        original = pulse.taken_error()
        cause = original or error
        refused = faults.refused(cause)
        why = str(refused) if refused else faults.reason(faults.causes(cause))
        log.warning("stream_failed", job=self.name, error=why)
        if (lineage := self._context.lineage) is not None:
            lineage.failed(self.name, why)
        if (end := faults.final(self.name, cause)) is not None:
            raise end
        # Refused from the start, a setting is wrong. Later a key has expired, or a server is in
        # disorder for a moment: that may mend itself.
        if refused is not None and pulse.finished_at is None:
            raise refused
        pause = self._pause()
        if pause is None:
            raise refused or StackError(
                f"The stream {self.name} failed again and again for "
                f"{PATIENCE_SECONDS / 60:.0f} minutes: {why}.",
                "Its log has the rest.",
            )
        self._context.status.failed(self.name, why)
        log.info("stream_starts_again", job=self.name, in_seconds=round(pause, 1))
        if original is None:
            self._audit(why)
        stop.wait(pause)

    def _pause(self) -> float | None:
        finished_at = self._context.pulse(self.name).finished_at
        return self._recovery.failed(time.monotonic(), self._started_at, finished_at, self._rng)

    def _audit(self, why: str) -> None:
        """A batch that failed has told of itself; this is for what happened outside of one."""
        auditor = Auditor(self._context.run_id, self.name, self._context.status)
        auditor.failed(self._context.spark, NO_BATCH, Record(datetime.now(UTC)), why)

    def _see_it_well(self, query: StreamingQuery) -> None:
        if not self._recovery.failures:
            return
        ran_long = time.monotonic() - self._started_at >= WELL_SECONDS
        if ran_long or query.status["message"].startswith(_IDLE):
            self._recovery.failures = 0
            self._context.status.well(self.name)

    def _halt(self) -> None:
        self._ended = True
        query, self._query = self._query, None
        with suppress(Exception):  # Java may have ended
            if query is not None:
                query.stop()
        if (lineage := self._context.lineage) is not None:
            if self.failure is not None:
                lineage.failed(self.name, str(self.failure))
            lineage.ended(self.name)
