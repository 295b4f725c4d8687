"""Writes summaries into the lake from a thread of its own; nothing that was reported is lost."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final

import structlog

from lakehouse.api.problems import ProblemError
from lakehouse.errors import FirehoseError

log = structlog.get_logger(__name__)

MOST_WAITING: Final = 200
AGAIN_SECONDS: Final = 15.0
# Written here, and perhaps not in the snapshot yet that `on_record` looks at.
_MOST_REMEMBERED: Final = 1_000

Row = Mapping[str, Any]


class Scribe:
    """`append` commits rows or raises; `on_record` tells whether a summary's id is in the table.

    Rows that could not be written are tried again with the next ones, or after a while.
    """

    def __init__(
        self,
        append: Callable[[Sequence[Row]], None],
        on_record: Callable[[str], bool],
        again_seconds: float = AGAIN_SECONDS,
    ) -> None:
        self._append, self._on_record = append, on_record
        self._again_seconds = again_seconds
        self._changed = threading.Condition()
        self._rows: dict[str, Row] = {}
        self._waiters: dict[str, Future[None]] = {}
        self._written: OrderedDict[str, None] = OrderedDict()
        self._fresh, self._stopping = False, False
        self._thread: threading.Thread | None = None

    def put(self, row: Row) -> "Future[None]":
        """Leave a row; the future is done when it is committed, or tells why it is not yet.

        ProblemError 503 where too many wait. The same summary twice is one row.
        """
        with self._changed:
            name = str(row["summary_id"])
            if name in self._written:
                return _done()
            if len(self._rows) >= MOST_WAITING and name not in self._rows:
                detail = "Too many summaries wait for the lake."
                raise ProblemError(503, "busy", detail, retry_after=5)
            self._rows.setdefault(name, row)
            waiter = self._waiters.setdefault(name, Future())
            self._fresh = True
            self._start()
            self._changed.notify_all()
            return waiter

    def close(self, seconds: float = 10.0) -> None:
        """Write what is left, once; what can't be written then is told in the log."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(seconds)
        for name in self._rows:
            log.error("summary_not_recorded", summary_id=name)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="scribe", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._wait()
                rows, waiters, stopping = dict(self._rows), self._waiters, self._stopping
                self._waiters, self._fresh = {}, False
            if rows:
                self._write(rows, waiters)
            if stopping:
                return

    def _wait(self) -> None:
        """Until there is something new, or it is time to try again what is left."""
        until = time.monotonic() + self._again_seconds
        while not self._fresh and not self._stopping:
            left = until - time.monotonic() if self._rows else None
            if left is not None and left <= 0:
                return
            self._changed.wait(left)

    def _write(self, rows: dict[str, Row], waiters: "dict[str, Future[None]]") -> None:
        wanted = [row for name, row in rows.items() if not self._on_record(name)]
        try:
            self._append(wanted)
        except Exception as error:  # whatever it is: the rows stay, and the next try has its chance
            if len(rows) > 1 and not isinstance(error, FirehoseError):
                self._write_each(rows, waiters)
                return
            told = str(error) if isinstance(error, FirehoseError) else type(error).__name__
            log.warning("summaries_not_recorded_yet", summaries=[*rows], error=told)
            _settle(waiters, error)
            return
        self._forget(rows)
        _settle(waiters, None)

    def _write_each(self, rows: dict[str, Row], waiters: "dict[str, Future[None]]") -> None:
        """One that can't be written must not hold up the others."""
        for name, row in rows.items():
            mine = {name: waiters[name]} if name in waiters else {}
            self._write({name: row}, mine)

    def _forget(self, rows: dict[str, Row]) -> None:
        with self._changed:
            for name in rows:
                self._rows.pop(name, None)
                self._written[name] = None
            while len(self._written) > _MOST_REMEMBERED:
                self._written.popitem(last=False)


def _done() -> "Future[None]":
    found: Future[None] = Future()
    found.set_result(None)
    return found


def _settle(waiters: "dict[str, Future[None]]", error: Exception | None) -> None:
    for waiter in waiters.values():
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)
