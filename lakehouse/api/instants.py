"""Instants as microseconds since 1970 UTC, from the text of a row. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Final

from lakehouse.values import Json

MINUTE_MICROS: Final = 60_000_000
HOUR_MICROS: Final = 3_600_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """A datetime with a zone, exactly."""
    return (at - _EPOCH) // _MICROSECOND


def of_text(text: Json) -> int:
    """ISO 8601 with a zone; 0 for null, so that it sorts before everything."""
    return micros(datetime.fromisoformat(text)) if isinstance(text, str) else 0
