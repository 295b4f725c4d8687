"""What the paths of the API share: the warm state, the older files, the bodies made already."""

from collections.abc import Awaitable, Callable, Hashable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from lakehouse.api import views
from lakehouse.api.answers import Body, Memo, answer
from lakehouse.api.gold import Gold
from lakehouse.api.history import History
from lakehouse.api.problems import ProblemError
from lakehouse.api.refresher import Refresher
from lakehouse.api.snapshot import Snapshot, State


class Desk:
    """For one event loop. `clock`: seconds since 1970 UTC; `fresh_seconds`: FRESHNESS_SECONDS."""

    def __init__(
        self,
        refresher: Refresher,
        history: History,
        fresh_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self.history = history
        self._refresher, self._memo = refresher, Memo()
        self._fresh_seconds, self._clock = fresh_seconds, clock

    @property
    def state(self) -> State:
        """The newest state; a request asks once, and answers from that one."""
        return self._refresher.state

    def source(self, state: State, snapshot: Snapshot) -> dict[str, Any]:
        """The health of the source, now."""
        return views.source(snapshot, state.facts(snapshot, self._fresh_seconds), self._now())

    def health(self, state: State, snapshot: Snapshot) -> dict[str, Any]:
        """The whole of /v1/health, now."""
        return views.health(snapshot, state.facts(snapshot, self._fresh_seconds), self._now())

    def answer(self, request: Request, state: State, value: Any) -> Response:
        """An answer that is made for this request alone."""
        return answer(request, Body(value), state, self._now())

    async def kept(
        self, request: Request, state: State, key: Hashable, make: Callable[[], Awaitable[Any]]
    ) -> Response:
        """An answer that is made once for a snapshot and a key."""
        body = self._memo.find(state.snapshot, key)
        if body is None:
            value = await make()
            body = self._memo.keep(state.snapshot, key, value)
        return answer(request, body, state, self._now())

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def snapshot_of(state: State) -> Snapshot:
    """The snapshot to answer from; ProblemError 503 where there is none yet."""
    if state.snapshot is None:
        detail = "The lake has not been read yet: it is empty, away, or still being loaded."
        raise ProblemError(503, "lake_not_ready", detail, retry_after=2)
    return state.snapshot


def gold_of(state: State) -> tuple[Snapshot, Gold, int]:
    """The snapshot, its Gold and the newest minute; ProblemError 503 where Gold has no row."""
    snapshot = snapshot_of(state)
    if snapshot.gold is None or snapshot.gold.newest_minute is None:
        detail = "Gold has no rows yet: the pipeline has to fill a minute first."
        raise ProblemError(503, "lake_empty", detail, retry_after=5)
    return snapshot, snapshot.gold, snapshot.gold.newest_minute
