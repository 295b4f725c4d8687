"""The paths of summaries: what to ask a model, whether its answer holds, what was told to whom."""

import asyncio
from typing import Annotated, Any, Final

import orjson
from fastapi import Query, Request, Response

from lakehouse.api import lists, views
from lakehouse.api.claims import Claims
from lakehouse.api.desk import Desk, gold_of, snapshot_of
from lakehouse.api.parameters import PulseQuery, SummariesQuery
from lakehouse.api.problems import ProblemError
from lakehouse.api.routes import chosen
from lakehouse.api.scribe import Scribe
from lakehouse.api.seal import Seal
from lakehouse.api.spike_context import facts_of
from lakehouse.api.summary_models import SummaryBody, VerdictBody
from lakehouse.spike_event import SpikeEvent
from lakehouse.summary import Facts, brief, pulse_facts, verdict

_WRITE_SECONDS: Final = 20.0


class SummaryPaths:
    """For one event loop; the docstrings are what OpenAPI says of the paths."""

    def __init__(self, desk: Desk, seal: Seal, claims: Claims, scribe: Scribe) -> None:
        self._desk, self._seal, self._claims, self._scribe = desk, seal, claims, scribe

    async def pulse_brief(self, query: Annotated[PulseQuery, Query()]) -> Response:
        """The facts of the market now, the messages for a model, and a message without one."""
        state = self._desk.state
        snapshot, gold, _ = gold_of(state)
        wanted = chosen(gold, query.names())
        source = self._desk.source(state, snapshot)
        return await self._brief(pulse_facts(views.pulse(snapshot, wanted, source)))

    async def spike_brief(self, event: SpikeEvent) -> Response:
        """The same of one spike. Who gets it has claimed the event, for 150 seconds."""
        handled = snapshot_of(self._desk.state).summaries.handled
        self._claims.take(event.event_id, handled)
        try:
            return await self._brief(await facts_of(self._desk, event))
        except BaseException:
            self._claims.give_back(event.event_id)
            raise

    async def give_back(self, event_id: str) -> Response:
        """A claim that came to nothing is given back: the event may be claimed at once."""
        self._claims.give_back(event_id)
        return Response(status_code=204)

    async def verdict(self, body: VerdictBody) -> Response:
        """A model's answer held against the facts of a brief; the facts must be this API's own."""
        facts = self._seal.opened(body.facts)
        return _json(await asyncio.to_thread(verdict, facts, body.completion or ""))

    async def put(self, body: SummaryBody) -> Response:
        """Put a message on record. Posted twice it is one; 503 means: not written yet, ask again.

        A spike that arrived anywhere is handled from here on, even while it can't be written.
        """
        facts = self._seal.opened(body.facts)
        if (body.kind, body.event_id) != (facts.kind, facts.data.get("event_id")):
            detail = "kind, event_id: they are not those of the facts."
            raise ProblemError(422, "bad_parameter", detail)
        report = body.report(facts)
        row = await asyncio.to_thread(report.row)
        if body.event_id is not None and report.handled:
            self._claims.handle(body.event_id)
        await self._write(row)
        return _json({"summary_id": row["summary_id"]}, 201)

    async def summaries(
        self, request: Request, query: Annotated[SummariesQuery, Query()]
    ) -> Response:
        """What was told to people, newest first, with all that it stood on."""
        state = self._desk.state
        snapshot = snapshot_of(state)

        async def make() -> Any:
            return lists.summaries(snapshot, query)

        return await self._desk.kept(request, state, ("summaries", query.model_dump_json()), make)

    async def _brief(self, facts: Facts) -> Response:
        made = await asyncio.to_thread(brief, facts)
        return _json({**made, "facts": self._seal.sealed(facts)})

    async def _write(self, row: dict[str, Any]) -> None:
        if row["summary_id"] in snapshot_of(self._desk.state).summaries.ids:
            return
        written = asyncio.wrap_future(self._scribe.put(row))
        try:
            await asyncio.wait_for(asyncio.shield(written), _WRITE_SECONDS)
        except Exception:  # the scribe has told why, and goes on trying
            detail = "The lake has not taken the summary yet; it is kept and tried again."
            raise ProblemError(503, "not_recorded", detail, retry_after=5) from None


def _json(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, {"Cache-Control": "no-store"}, "application/json")
