"""GET /v1/completeness: from what the hour watch has proved, made once for each proof."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response

from lakehouse.api.answers import Memo, answer
from lakehouse.api.columns import iso
from lakehouse.api.hour_models import Completeness
from lakehouse.api.hour_watch import HourState, HourWatch
from lakehouse.api.hours import Hours
from lakehouse.api.instants import HOUR_MICROS
from lakehouse.api.parameters import CompletenessQuery
from lakehouse.api.problems import ProblemError
from lakehouse.api.routes import answers_of
from lakehouse.api.snapshot import State


class HourPaths:
    """For one event loop. `clock`: seconds since 1970 UTC."""

    def __init__(
        self, state: Callable[[], State], watch: HourWatch, clock: Callable[[], float]
    ) -> None:
        self._state, self._watch, self._clock = state, watch, clock
        self._memo = Memo()

    async def completeness(
        self, request: Request, query: Annotated[CompletenessQuery, Query()]
    ) -> Response:
        """Which trades each hour of Silver has, by their ids; the newest hour and those before."""
        # Last-Modified would be Gold's.
        state = replace(self._state(), snapshot=None)
        proved, asked = self._watch.state, (query.hours, query.names())
        body = self._memo.find(proved, asked)
        if body is None:
            body = self._memo.keep(proved, asked, completeness(proved, *asked))
        return answer(request, body, state, int(self._clock() * 1_000_000))


def completeness(proved: HourState, count: int, names: tuple[str, ...]) -> dict[str, Any]:
    """The newest `count` hours, of the symbols that are named or all.

    ProblemError 503 before the first proof, 404 for a symbol that no hour of the lake has.
    """
    hours = proved.hours
    if hours is None:
        detail = "The ids of Silver have not been read yet."
        raise ProblemError(503, "lake_not_ready", detail, retry_after=2)
    _know(hours, names)
    newest = hours.newest
    since = 0 if newest is None else newest - (count - 1) * HOUR_MICROS
    return {
        "silver_committed_at": _instant(hours.committed_micros or None),
        "newest_hour": _instant(newest),
        "unread_hours": [iso(hour) for hour in hours.unread if hour >= since],
        "failing_since": _instant(proved.failing_since),
        "hours": [
            orjson.Fragment(cell.body)
            for cell in hours.cells
            if cell.hour >= since and (not names or cell.key.symbol in names)
        ],
    }


def hour_router(paths: HourPaths) -> APIRouter:
    """The path, with what it answers."""
    made = APIRouter(prefix="/v1")
    made.add_api_route(
        "/completeness",
        paths.completeness,
        summary="Completeness by hour",
        response_class=Response,
        responses=answers_of(Completeness),
    )
    return made


def _know(hours: Hours, names: tuple[str, ...]) -> None:
    known = {cell.key.symbol for cell in hours.cells} if names else set()
    for name in names:
        if name not in known:
            detail = f"Silver has no trade of {name} in the hours that are kept."
            raise ProblemError(404, "unknown_symbol", detail)


def _instant(micros: int | None) -> str | None:
    return None if micros is None else iso(micros)
