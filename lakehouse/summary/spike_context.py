"""The minutes before a spike: what was usual, and the rows of its small table. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from lakehouse.summary.figures import EXACT, Figure, figure

_ROWS: Final = 5
_LEAST: Final = 5
_WINDOW: Final = 30


def minute_of(text: str) -> datetime:
    """An instant of the API (ISO 8601, UTC)."""
    return datetime.fromisoformat(text)


def before(
    event: Mapping[str, Any], minutes: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The rows of the 30 minutes before the spike's, oldest first; a row without close is none."""
    last = minute_of(event["minute_ts"])
    first = last - timedelta(minutes=_WINDOW)
    found = {minute_of(row["minute_ts"]): row for row in minutes if row["close"] is not None}
    return [found[minute] for minute in sorted(found) if first <= minute < last]


def context_figures(
    event: Mapping[str, Any], minutes: Sequence[Mapping[str, Any]]
) -> list[Figure | None]:
    """The volume against the low median of the minutes before, and the change up to the spike.

    Both are None with fewer than five rows before: that is no usual.
    """
    rows = before(event, minutes)
    if len(rows) < _LEAST:
        return []
    span = minute_of(event["minute_ts"]) - minute_of(rows[0]["minute_ts"])
    window = int(span.total_seconds()) // 60
    volumes = sorted(Decimal(row["volume"]) for row in rows)
    ratio = _quotient(event["volume"], str(volumes[(len(volumes) - 1) // 2]))
    change = _quotient(event["close"], rows[0]["close"])
    return [
        figure("volume_ratio", ratio, 1),
        figure("change", change and str(EXACT.subtract(Decimal(change), Decimal(1))), window),
    ]


def context_rows(
    event: Mapping[str, Any], minutes: Sequence[Mapping[str, Any]]
) -> list[dict[str, str | None]]:
    """The spike's minute and the four rows before it, oldest first, as shown."""
    rows = [*before(event, minutes)[-(_ROWS - 1) :], event]
    return [_row(row) for row in rows]


def _row(row: Mapping[str, Any]) -> dict[str, str | None]:
    close, change = figure("close", row["close"]), figure("change", row["return_1m"], 1)
    volume = figure("volume", row["volume"], 1)
    return {
        "minute": row["minute_ts"],
        "close": close and close.shown,
        "change": change and change.shown,
        "volume": volume and volume.shown,
    }


def _quotient(dividend: str, divisor: str) -> str | None:
    if not Decimal(divisor):
        return None
    return format(EXACT.divide(Decimal(dividend), Decimal(divisor)), "f")
