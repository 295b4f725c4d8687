"""The paths under /v1. Each answers from the state that was the newest when it was asked."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from lakehouse.api import cursors, lists, models, pages, views
from lakehouse.api.blocks import Key
from lakehouse.api.desk import Desk, gold_of, snapshot_of
from lakehouse.api.gold import Gold
from lakehouse.api.pages import Span
from lakehouse.api.parameters import (
    AuditQuery,
    GapsQuery,
    MinutesQuery,
    PulseQuery,
    SpikesQuery,
)
from lakehouse.api.problems import MEDIA_TYPE

_HOUR: Final = 60
_DAY: Final = 1440


class Paths:
    """The questions that the API answers; the docstrings are what OpenAPI says of them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def pulse(self, request: Request, query: Annotated[PulseQuery, Query()]) -> Response:
        """Every symbol with a minute in the newest 25 hours, and the health of the source."""
        state = self._desk.state
        snapshot, gold, _ = gold_of(state)
        wanted = chosen(gold, query.names())
        source = self._desk.source(state, snapshot)

        async def make() -> Any:
            return {"source": source, "symbols": views.symbol_pulses(snapshot, wanted)}

        # The clock alone may change the health, so it is part of what an answer is kept under.
        return await self._desk.kept(request, state, ("pulse", query.symbols, repr(source)), make)

    async def minutes(self, request: Request, query: Annotated[MinutesQuery, Query()]) -> Response:
        """One symbol's minutes, oldest first; by default those of the newest hour."""
        state = self._desk.state
        _, gold, newest = gold_of(state)
        key, span = Key(query.exchange, query.symbol), query.span(newest, _HOUR)
        if query.cursor is not None:
            (first,) = cursors.decode(query.cursor, int)
            span = Span(max(span.first, int(first)), span.last)

        async def make() -> Any:
            return await pages.minutes(gold, self._desk.history, key, span, query.limit)

        kept_as = ("minutes", key, span, query.limit)
        return await self._desk.kept(request, state, kept_as, make)

    async def spikes(self, request: Request, query: Annotated[SpikesQuery, Query()]) -> Response:
        """Minutes that stand out, newest first; by default those of the newest 24 hours."""
        state = self._desk.state
        _, gold, newest = gold_of(state)
        key = Key(query.exchange or "", query.symbol or "")
        span, after = _behind(query.span(newest, _DAY), query.cursor)

        async def make() -> Any:
            return await pages.spikes(gold, self._desk.history, key, span, after, query.limit)

        kept_as = ("spikes", key, span, after, query.limit)
        return await self._desk.kept(request, state, kept_as, make)

    async def audit(self, request: Request, query: Annotated[AuditQuery, Query()]) -> Response:
        """How the newest batches of every job went, newest first."""
        state = self._desk.state
        snapshot = snapshot_of(state)

        async def make() -> Any:
            return lists.batches(snapshot, query)

        return await self._desk.kept(request, state, ("audit", query.model_dump_json()), make)

    async def gaps(self, request: Request, query: Annotated[GapsQuery, Query()]) -> Response:
        """Trades that were missing, and what became of them, newest first."""
        state = self._desk.state
        snapshot = snapshot_of(state)

        async def make() -> Any:
            return lists.gaps(snapshot, query)

        return await self._desk.kept(request, state, ("gaps", query.model_dump_json()), make)

    async def health(self, request: Request) -> Response:
        """Lag and freshness of each layer, the last batch of each job, failures, open gaps."""
        state = self._desk.state
        value = self._desk.health(state, snapshot_of(state))
        return self._desk.answer(request, state, value)


def router(desk: Desk) -> APIRouter:
    """The paths, with what they answer."""
    made, paths = APIRouter(prefix="/v1"), Paths(desk)
    for path, endpoint, model, summary in (
        ("/pulse", paths.pulse, models.Pulse, "The market now"),
        ("/minutes", paths.minutes, models.Minutes, "One symbol's minutes"),
        ("/spikes", paths.spikes, models.Spikes, "Minutes that stand out"),
        ("/audit", paths.audit, models.Batches, "Batches"),
        ("/gaps", paths.gaps, models.Gaps, "Gaps"),
        ("/health", paths.health, models.Health, "The health of the pipeline"),
    ):
        made.add_api_route(
            path,
            endpoint,
            summary=summary,
            response_class=Response,
            responses=answers_of(model),
        )
    return made


def answers_of(model: type[models.Answer]) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of a path that answers so."""
    wrong = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    told = {
        401: "The key is missing or wrong",
        404: "There is no such symbol",
        422: "A parameter can't be used",
        503: "The lake is empty or away; Retry-After says when to ask again",
    }
    problems: dict[int | str, dict[str, Any]] = {
        code: {"description": text, "content": wrong} for code, text in told.items()
    }
    return {200: {"model": model, "description": "The answer"}, **problems}


def chosen(gold: Gold, names: tuple[str, ...]) -> list[Key]:
    """The keys of the symbols that are named, or all; 404 for one that is not there."""
    if not names:
        return list(gold.series)
    found = [key for key in gold.series if key.symbol in names]
    missing = [name for name in names if name not in {key.symbol for key in found}]
    if missing:
        raise pages.unknown(Key("", missing[0]))
    return found


def _behind(span: Span, cursor: str | None) -> tuple[Span, Key]:
    """The span that is left behind a cursor, and the key that its last minute begins behind."""
    if cursor is None:
        return span, Key("", "")
    minute, exchange, symbol = cursors.decode(cursor, int, str, str)
    return Span(span.first, min(span.last, int(minute))), Key(str(exchange), str(symbol))
