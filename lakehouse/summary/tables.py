"""The small table of a message, as rows of text: the same in Slack, Telegram, Jira and plain."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lakehouse.summary.facts import Facts, figures_of
from lakehouse.summary.figures import Figure, compact, signed, window_name
from lakehouse.summary.template import find
from lakehouse.summary.times import instant

Row = tuple[str, ...]

_USUAL_WINDOW: Final = 30
_PULSE_HEAD: Final = ("symbol", "Δ% 30m", "VWAP 30m", "volume 30m", "spike")
_SPIKE_HEAD: Final = ("minute UTC", "close", "Δ% 1m", "volume")
_STATUS: Final = {"spike": "SPIKE", "calm": "calm", "warming_up": "warming up"}
_UNKNOWN: Final = "-"


def table(facts: Facts) -> list[Row]:
    """The header and one row a symbol; of a spike, one row a minute. A cell of another window
    than its header's names it (`+0.31% 5m`); `-` is not known."""
    if facts.kind == "pulse":
        return [_PULSE_HEAD, *(_symbol_row(symbol) for symbol in facts.symbols)]
    return [_SPIKE_HEAD, *(_minute_row(row) for row in facts.data["rows"])]


def fixed_width(rows: Sequence[Row]) -> list[str]:
    """The rows as lines for a fixed-width font: first column left, the others right."""
    widths = [max(_width(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [_line(row, widths) for row in rows]


def _line(row: Row, widths: Sequence[int]) -> str:
    gaps = [" " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
    rest = [gap + cell for gap, cell in zip(gaps[1:], row[1:], strict=True)]
    return "  ".join([row[0] + gaps[0], *rest]).rstrip()


def _width(text: str) -> int:
    """Columns in a fixed-width font: a wide character takes two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _symbol_row(symbol: Mapping[str, Any]) -> Row:
    figures = figures_of(symbol)
    change = find(figures, "change", 30, 5, 1, 1440)
    vwap, volume = find(figures, "vwap", 30, 1), find(figures, "volume", 30, 5, 1)
    return (
        symbol["symbol"],
        _cell(change, "" if change is None else f"{signed(change.value)}%"),
        _cell(vwap, "" if vwap is None else vwap.shown),
        _cell(volume, "" if volume is None else compact(volume.value)),
        _STATUS.get(symbol["spike"], symbol["spike"]),
    )


def _cell(each: Figure | None, text: str) -> str:
    if each is None:
        return _UNKNOWN
    same = each.window in (None, _USUAL_WINDOW)
    return text if same or each.window is None else f"{text} {window_name(each.window)}"


def _minute_row(row: Mapping[str, Any]) -> Row:
    cells = (row[name] or _UNKNOWN for name in ("close", "change", "volume"))
    return (f"{instant(row['minute']):%H:%M}", *cells)
