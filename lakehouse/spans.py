"""A span of time in whole hours, UTC, read from what a person writes. Pure.

Hours are counted since 1970: Silver and Gold are partitioned by them.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from lakehouse.errors import SettingsError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Span:
    """The hours from `first` up to `end`, which is the first one outside; None: open."""

    first: int | None = None
    end: int | None = None


@dataclass(frozen=True)
class Read:
    """A span, and whether it had to be made larger to hold whole hours."""

    span: Span
    rounded: bool


def read(start: str | None, end: str | None) -> Read:
    """The span [start, end) in hours, rounded outwards.

    Each is a date, or an ISO 8601 time with its offset; None leaves that side open. SettingsError
    for anything else, and where nothing is between the two.
    """
    since = None if start is None else _since_1970(start, "--from")
    until = None if end is None else _since_1970(end, "--to")
    if since is not None and until is not None and since >= until:
        raise SettingsError(f"{start} is not before {end}.", "--to is where the span ends.")
    first = None if since is None else since // _HOUR
    last = None if until is None else -(-until // _HOUR)
    return Read(
        Span(first, last), any(at is not None and bool(at % _HOUR) for at in (since, until))
    )


def instant(hour: int) -> datetime:
    """The first instant of an hour."""
    return _EPOCH + hour * _HOUR


def in_words(hour: int) -> str:
    """2024-08-09 14:00Z."""
    return f"{instant(hour):%Y-%m-%d %H:%M}Z"


def _since_1970(text: str, option: str) -> timedelta:
    try:
        return _aware(text) - _EPOCH
    except ValueError:
        raise SettingsError(
            f"{option} {text} is no time with its offset.",
            "Write 2024-08-09, 2024-08-09T14:00Z or 2024-08-09T16:00+02:00.",
        ) from None


def _aware(text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError("no offset") from None
        return at
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
