"""The parts of a message, before any channel's markup. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lakehouse.summary.facts import Facts
from lakehouse.summary.tables import Row, fixed_width, table
from lakehouse.summary.template import Summary
from lakehouse.summary.times import clock_text

BY_TEMPLATE: Final = "Written by template, not by a model."
BY_MODEL: Final = "Written by a model; every number was checked against the figures."
_MARKS: Final = {"up": "▲", "down": "▼", "flat": "▬", "unknown": "•"}
_NAMES: Final = {"pulse": "Market Pulse", "spike": "Spike"}
_MOST_REASONS: Final = 5
# A symbol with its newest trade so many minutes before the newest of all.
_QUIET_MINUTES: Final = 2


@dataclass(frozen=True, slots=True)
class Pieces:
    """`warning`, and its short form `flag`, are empty where the source is ok. `texts`: (mark and
    symbol, text)."""

    flag: str
    warning: str
    title: str
    rows: Sequence[Row]
    texts: Sequence[tuple[str, str]]
    footer: Sequence[str]

    @property
    def table_lines(self) -> list[str]:
        return fixed_width(self.rows)


def pieces_of(facts: Facts, summary: Summary) -> Pieces:
    """What every channel shows, in this order: warning, title, table, texts, footer."""
    texts = [(_marked(symbol), summary.texts[symbol["symbol"]]) for symbol in facts.symbols]
    title = f"{_NAMES[facts.kind]}: {summary.headline}"
    status = facts.source["status"]
    flag = "" if status == "ok" else f"[data {status}]"
    return Pieces(flag, _warning(facts), title, table(facts), texts, _footer(facts, summary))


def _marked(symbol: Mapping[str, Any]) -> str:
    """`▲ BTCUSDT:`; a symbol that has not traded lately says when it last did."""
    behind = symbol.get("minutes_behind", 0) >= _QUIET_MINUTES
    since = f" (last traded {clock_text(symbol['minute'])})" if behind else ""
    return f"{_MARKS[symbol['direction']]} {symbol['symbol']}{since}:"


def _warning(facts: Facts) -> str:
    source = facts.source
    if source["status"] == "ok":
        return ""
    reasons = [reason["text"] for reason in source["reasons"][:_MOST_REASONS]]
    more = len(source["reasons"]) - len(reasons)
    told = [*reasons, f"And {more} more reasons."] if more else reasons
    return " ".join([f"⚠ DATA {source['status'].upper()}:", *told])


def _footer(facts: Facts, summary: Summary) -> list[str]:
    left_out = facts.data.get("left_out", 0)
    by = BY_TEMPLATE if summary.by == "template" else BY_MODEL
    # The template's words about the source are the first line already.
    said = [summary.source] if summary.by == "llm" else []
    newest = clock_text(facts.source["newest_minute"])
    return [
        *([f"{left_out} more symbols are left out."] if left_out else []),
        f"Source: {facts.source['status']}, newest minute {newest}.",
        *said,
        by,
    ]
