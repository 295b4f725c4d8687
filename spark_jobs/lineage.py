"""Tells OPENLINEAGE_URL of the application's run and of its streams', never in their way.

Streams put what happened into a bounded queue; one thread makes the events and posts them. What
can't be posted is counted, told in the log once, and given up.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import structlog
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from lakehouse.errors import FirehoseError
from lakehouse.http_post import Refused, Target, deliver
from lakehouse.settings import Settings
from spark_jobs.status import StatusFile

if TYPE_CHECKING:
    from spark_jobs.lineage_events import Author

APPLICATION: Final = "firehose"
RUNNING_SECONDS: Final = 60.0
_ENDPOINT: Final = "/api/v1/lineage"
_MOST_WAITING: Final = 1000
_ATTEMPTS: Final = 3
_PATIENCE_SECONDS: Final = 20.0
_LAST_SECONDS: Final = 5.0
_COUNTED: Final = {"rows_in": "rows_in", "rows_out": "rows_out", "rows_rejected": "dq_fail"}
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Happening:
    """A state of a run (START, RUNNING, COMPLETE, FAIL, ABORT) at a time (s since 1970 UTC).

    `stream` is APPLICATION for the run of all of them. Rows are those since the run began.
    """

    stream: str
    run_id: str
    state: str
    at: float
    error: str = ""
    rows_in: int = 0
    rows_out: int = 0
    rows_rejected: int = 0


@dataclass(frozen=True)
class _Run:
    run_id: str
    before: Mapping[str, int] = field(default_factory=dict)


class Lineage(Collector):
    """Of one application. `started`, `failed` and `ended` may be called from any thread.

    `drained` is set when all that the sources held is done: what ends then is COMPLETE, and what
    ends before was told to (ABORT).
    """

    def __init__(
        self,
        settings: Settings,
        status: StatusFile,
        run_id: str,
        running_seconds: float = RUNNING_SECONDS,
    ) -> None:
        self._settings, self._status, self._run_id = settings, status, run_id
        self._running_seconds = running_seconds
        key = settings.openlineage_api_key.get_secret_value()
        self._target = Target(settings.openlineage_url + _ENDPOINT, "OPENLINEAGE_URL", key)
        self.drained = False
        self._queue: Queue[Happening | None] = Queue(_MOST_WAITING)
        self._runs: dict[str, _Run] = {}
        self._lock = threading.Lock()
        self._counts = {"sent": 0, "dropped": 0}
        self._away = False

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Post until the end of the block, which is the application's run.

        Some seconds are then given to what still waits.
        """
        thread = threading.Thread(target=self._send_all, name="lineage", daemon=True)
        thread.start()
        self._begin(APPLICATION, str(UUID(self._run_id)))
        try:
            yield
        except Exception as error:
            told = isinstance(error, FirehoseError)
            self.failed(APPLICATION, str(error) if told else type(error).__name__)
            raise
        finally:
            self.ended(APPLICATION)
            self._put(None)
            thread.join(_LAST_SECONDS)

    def started(self, stream: str) -> None:
        """A run of the stream begins."""
        self._begin(stream, str(uuid4()))

    def failed(self, stream: str, error: str) -> None:
        """Its run failed; nothing where none is under way."""
        self._end(stream, "FAIL", error)

    def ended(self, stream: str) -> None:
        """Its run ended in order; nothing where none is under way."""
        self._end(stream, "COMPLETE" if self.drained else "ABORT")

    def collect(self) -> Iterator[Metric]:
        """How many events were sent, and how many were given up."""
        family = CounterMetricFamily(
            "firehose_spark_lineage_events", "events for OpenLineage", labels=["outcome"]
        )
        for outcome, count in self._counts.items():
            family.add_metric([outcome], count)
        yield family

    def _begin(self, stream: str, run_id: str) -> None:
        with self._lock:
            self._runs[stream] = _Run(run_id, self._totals(stream))
            self._tell(stream, "START")

    def _end(self, stream: str, state: str, error: str = "") -> None:
        with self._lock:
            if stream in self._runs:
                self._tell(stream, state, error)
                del self._runs[stream]

    def _tell(self, stream: str, state: str, error: str = "") -> None:
        run, now = self._runs[stream], self._totals(stream)
        rows = (now[name] - run.before[name] for name in now)
        self._put(Happening(stream, run.run_id, state, time.time(), error, *rows))

    def _totals(self, stream: str) -> dict[str, int]:
        job: dict[str, Any] = self._status.jobs().get(stream, {})
        return {name: int(job.get(counted, 0)) for name, counted in _COUNTED.items()}

    def _put(self, what: Happening | None) -> None:
        try:
            self._queue.put_nowait(what)
        except Full:
            self._counts["dropped"] += 1

    def _send_all(self) -> None:
        # Imported here, as it takes two seconds, which a start need not wait for.
        from spark_jobs.lineage_events import Author

        author = Author(self._settings, self._run_id)
        due = time.monotonic() + self._running_seconds
        while True:
            try:
                what = self._queue.get(timeout=max(0.0, due - time.monotonic()))
            except Empty:
                due = time.monotonic() + self._running_seconds
                self._tell_of_all()
                continue
            if what is None:
                return
            self._send(author, what)

    def _tell_of_all(self) -> None:
        with self._lock:
            for stream in self._runs:
                self._tell(stream, "RUNNING")

    def _send(self, author: "Author", what: Happening) -> None:
        try:
            deliver(self._target, author.event(what), _ATTEMPTS, _PATIENCE_SECONDS)
        except Exception as error:  # whatever it is, the next event has its chance
            self._counts["dropped"] += 1
            if not self._away:  # once, not for every event
                reason = str(error) if isinstance(error, Refused) else repr(error)[:300]
                log.warning("lineage_not_sent", reason=reason)
            self._away = True
            return
        self._counts["sent"] += 1
        self._away = False
