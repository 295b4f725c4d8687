"""The thread that proves hours beside the API: a little at a time, and never more than a share."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from lakehouse import tables
from lakehouse.api.hours import Hours, HourStore
from lakehouse.api.refresher import Refresher
from lakehouse.settings import Settings

log = structlog.get_logger(__name__)

# New trades are looked at so often at most.
POLL_SECONDS: Final = 15.0
# After a step it rests so many times as long as that took: a fifth of one core at most.
REST: Final = 4
_LEAST_REST: Final = 0.1


@dataclass(frozen=True)
class HourState:
    """The newest proof (None before the first), and since when it can't be made anew (µs UTC)."""

    hours: Hours | None = None
    failing_since: int | None = None


class HourWatch:
    """`state` is the newest one, to be read from any thread; `look` and the rest are one's."""

    def __init__(
        self, settings: Settings, refresher: Refresher, clock: Callable[[], float] = time.time
    ) -> None:
        self.state = HourState()
        self._refresher, self._clock = refresher, clock
        self._store = HourStore(settings)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hours", daemon=True)

    def start(self) -> None:
        """Begin to follow Silver."""
        self._thread.start()

    def stop(self) -> None:
        """End; a step that is under way is given up, and its memory goes with the thread."""
        self._stop.set()
        self._store.interrupt()
        if self._thread.is_alive():
            self._thread.join(10)

    def look(self) -> None:
        """One step: a new state, whatever the lake answers. Nothing is raised."""
        snapshot = self._refresher.state.snapshot
        table = self._refresher.table(tables.SILVER)
        if snapshot is None:
            return
        try:
            hours = Hours(0) if table is None else self._store.step(table, snapshot.gaps)
            self.state = HourState(hours)
        except Exception as error:  # the last proof is kept, whatever a reader raises
            since = self.state.failing_since
            if since is None and not self._stop.is_set():  # once, not every time
                log.warning("hours_not_read", error=repr(error)[:500])
                since = int(self._clock() * 1_000_000)
            self.state = HourState(self.state.hours, since)

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            self.look()
            self._stop.wait(self._rest(time.monotonic() - began))
        self._store.close()

    def _rest(self, took: float) -> float:
        hours, failing = self.state.hours, self.state.failing_since is not None
        if not failing and hours is None:
            return 1.0
        if not failing and hours and hours.unread:
            return max(_LEAST_REST, REST * took)
        return max(POLL_SECONDS, REST * took)
