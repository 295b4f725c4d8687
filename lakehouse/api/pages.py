"""Pages of minutes and spikes: what is warm from memory, what is older from the files."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from lakehouse.api import cursors
from lakehouse.api.blocks import Key, minute_rows
from lakehouse.api.columns import Row
from lakehouse.api.gold import Gold
from lakehouse.api.history import History
from lakehouse.api.instants import MINUTE_MICROS, of_text
from lakehouse.api.problems import ProblemError
from lakehouse.api.views import minute, spikes_between

_MOST_AT_ONCE: Final = 200


@dataclass(frozen=True)
class Span:
    """Minutes from `first` to `last`, both included, since 1970 UTC."""

    first: int
    last: int


async def minutes(gold: Gold, history: History, key: Key, span: Span, limit: int) -> dict[str, Any]:
    """One page, oldest first; ProblemError 404 for a symbol of which there is no minute."""
    found = await _cold_minutes(gold, history, key, span, limit + 1)
    if len(found) <= limit:
        found += await _warm_minutes(gold, key, span, limit + 1 - len(found))
    if not found and key not in gold.series:
        raise unknown(key)
    more = cursors.encode(_minute(found[limit])) if len(found) > limit else None
    return {"minutes": [minute(row) for row in found[:limit]], "next": more}


async def spikes(
    gold: Gold, history: History, key: Key, span: Span, after: Key, limit: int
) -> dict[str, Any]:
    """One page, newest first; an empty exchange or symbol of `key` means any."""
    found = _warm_spikes(gold, key, span, after)[: limit + 1]
    if len(found) <= limit and span.first < gold.since:
        last, left = min(span.last, gold.since - 1), limit + 1 - len(found)
        behind = after if last == span.last else Key("", "")
        found += await history.spikes(gold.location, key, span.first, last, behind, left)
    if not found and key.symbol and not any(_same(key, each) for each in gold.series):
        raise unknown(key)
    more = _spike_cursor(found[limit - 1]) if len(found) > limit else None
    return {"spikes": [minute(row) for row in found[:limit]], "next": more}


def unknown(key: Key) -> ProblemError:
    """404: Gold has no minute of it."""
    where = f" on {key.exchange}" if key.exchange else ""
    detail = f"There is no minute of {key.symbol}{where} in the lake."
    return ProblemError(404, "unknown_symbol", detail)


async def _warm_minutes(gold: Gold, key: Key, span: Span, limit: int) -> list[Row]:
    wanted = (gold.blocks, key, max(span.first, gold.since), span.last, limit)
    if min(limit, span.last - wanted[2]) < _MOST_AT_ONCE:
        return minute_rows(*wanted)
    # So that a long page does not hold up the short ones.
    return await asyncio.to_thread(minute_rows, *wanted)


async def _cold_minutes(
    gold: Gold, history: History, key: Key, span: Span, limit: int
) -> list[Row]:
    if span.first >= gold.since:
        return []
    last = min(span.last, gold.since - 1)
    return list(await history.minutes(gold.location, key, span.first, last, limit))


def _warm_spikes(gold: Gold, key: Key, span: Span, after: Key) -> list[Row]:
    rows = spikes_between(gold, max(span.first, gold.since), span.last)
    found = [row for row in rows if _same(key, _key(row)) and _behind(row, span.last, after)]
    return sorted(found, key=_place)


def _same(wanted: Key, key: Key) -> bool:
    return wanted.exchange in ("", key.exchange) and wanted.symbol in ("", key.symbol)


def _behind(row: Row, last: int, after: Key) -> bool:
    return _minute(row) < last or _key(row) > after


def _place(row: Row) -> tuple[int, Key]:
    return -_minute(row), _key(row)


def _spike_cursor(row: Row) -> str:
    return cursors.encode(_minute(row), *_key(row))


def _key(row: Row) -> Key:
    return Key(str(row["exchange"]), str(row["symbol"]))


def _minute(row: Row) -> int:
    return of_text(row["minute_ts"]) // MINUTE_MICROS
