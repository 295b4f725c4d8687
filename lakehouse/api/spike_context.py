"""The facts of a spike that a webhook tells of: with Gold's figures, not with the event's."""

from collections.abc import Mapping
from typing import Any, Final

from lakehouse.api import pages, views
from lakehouse.api.blocks import Key
from lakehouse.api.columns import Row
from lakehouse.api.desk import Desk, gold_of
from lakehouse.api.instants import MINUTE_MICROS, micros, of_text
from lakehouse.api.pages import Span
from lakehouse.api.problems import ProblemError
from lakehouse.spike_event import SpikeEvent, event_id
from lakehouse.summary import Facts, spike_facts

# The minutes before a spike that its facts look at.
_BEFORE: Final = 30
# A minute that Gold has not, and so many newer ones: it never was there.
_NEVER_MINUTES: Final = 60


async def facts_of(desk: Desk, event: SpikeEvent) -> Facts:
    """The facts of the event's minute as Gold has it now.

    ProblemError 503 while the snapshot lacks that minute as the event tells it, 404 for a symbol
    or a minute that was never there, 422 for an event whose id is not that of its minute.
    """
    _check(event)
    state = desk.state
    snapshot, gold, newest = gold_of(state)
    key = Key(event.exchange, event.symbol)
    minute = micros(event.minute_ts) // MINUTE_MICROS
    span = Span(minute - _BEFORE, minute)
    page = await pages.minutes(gold, desk.history, key, span, _BEFORE + 1)
    row = _row(page["minutes"], minute)
    if row is None and minute < newest - _NEVER_MINUTES:
        detail = f"Gold has no minute of {event.symbol} at {event.minute_ts.isoformat()}."
        raise ProblemError(404, "unknown_minute", detail)
    if row is None or not _as_far(row, event):
        detail = "The API has not seen that minute yet; it follows the lake within seconds."
        raise ProblemError(503, "gold_behind", detail, retry_after=1)
    wanted = [key] if key in snapshot.items else []
    pulse = views.pulse(snapshot, wanted, desk.source(state, snapshot))
    return spike_facts(_with_gold(event, row), page["minutes"], pulse)


def _check(event: SpikeEvent) -> None:
    if event.event_id != event_id(event.exchange, event.symbol, event.minute_ts):
        detail = "event_id: it is not made of the event's exchange, symbol and minute."
        raise ProblemError(422, "bad_parameter", detail)


def _row(rows: list[Row], minute: int) -> Row | None:
    last = rows[-1] if rows else None
    found = last is not None and of_text(last["minute_ts"]) // MINUTE_MICROS == minute
    return last if found else None


def _as_far(row: Row, event: SpikeEvent) -> bool:
    """Whether Gold's row holds the trades of the event: a minute's trades only grow."""
    trades = row["trades"]
    return isinstance(trades, int) and trades >= event.trades


def _with_gold(event: SpikeEvent, row: Row) -> Mapping[str, Any]:
    """The event with the figures of the row: what is told then equals Gold, whoever sent it.

    Its reasons stay where the minute, in going on, has become calm again.
    """
    given = event.model_dump(mode="json")
    kept = {"exchange", "symbol", "minute_ts"} | (set() if row["spike"] else {"spike_reasons"})
    return {**given, **{name: row[name] for name in given if name in row and name not in kept}}
