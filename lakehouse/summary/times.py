"""Instants of the facts as people read them. Pure."""

from datetime import UTC, datetime


def instant(text: str) -> datetime:
    """An ISO 8601 instant of the API, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def clock_text(text: str | None) -> str:
    """`2026-11-21 12:34 UTC`; `unknown` where there is no minute at all."""
    return "unknown" if text is None else f"{instant(text):%Y-%m-%d %H:%M} UTC"
