"""The summary without a model: the figures in fixed sentences. It passes the verification."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lakehouse.summary.facts import Facts, figures_of
from lakehouse.summary.figures import Figure, window_name
from lakehouse.summary.times import clock_text

Source = Literal["llm", "template"]


@dataclass(frozen=True, slots=True)
class Summary:
    """Verified words: `texts` by symbol, in the order of the facts."""

    headline: str
    texts: Mapping[str, str]
    source: str
    by: Source


def template(facts: Facts) -> Summary:
    """Plain sentences about the same figures."""
    texts = {symbol["symbol"]: _text(symbol) for symbol in facts.symbols}
    return Summary(_headline(facts), texts, _source(facts), "template")


def find(figures: Sequence[Figure], kind: str, *windows: int | None) -> Figure | None:
    """The first figure of the kind, windows in the order of preference."""
    for window in windows:
        for each in figures:
            if each.kind == kind and each.window == window:
                return each
    return None


def _headline(facts: Facts) -> str:
    if facts.kind == "spike":
        [symbol] = facts.symbols
        change = find(figures_of(symbol), "change", 1)
        moved = "" if change is None else f" {_change(change)}"
        return f"{symbol['symbol']}{moved}"
    directions = [symbol["direction"] for symbol in facts.symbols]
    if len(directions) > 1 and set(directions) <= {"up", "down", "flat"}:
        return "Mixed market" if len(set(directions)) > 1 else f"All symbols {directions[0]}"
    return f"Pulse of {facts.symbols[0]['symbol']}" if len(directions) == 1 else "Market figures"


def _text(symbol: Mapping[str, Any]) -> str:
    figures = figures_of(symbol)
    price = find(figures, "price", None) or find(figures, "close", 1)
    change = find(figures, "change", *_leading_windows(symbol))
    volume = find(figures, "volume", *_volume_windows(symbol))
    ratio = find(figures, "volume_ratio", *((volume.window,) if volume else ()))
    vwap = find(figures, "vwap", 30, 1)
    parts = [
        f"Price {price.shown}" if price else "",
        _change(change) if change else "change not known",
        f"VWAP {vwap.shown} over {_window(vwap)}" if vwap else "",
        f"volume {volume.shown} in {_window(volume)}" if volume else "",
        f"that is {ratio.shown} its usual in {_window(ratio)}" if ratio else "",
    ]
    return ", ".join(part for part in parts if part) + "." + _spike(symbol)


def _volume_windows(symbol: Mapping[str, Any]) -> tuple[int, ...]:
    """Of a spike, its own minute; of a pulse, the longest window that is known."""
    return (30, 5, 1) if "direction_window_minutes" in symbol else (1,)


def _leading_windows(symbol: Mapping[str, Any]) -> tuple[int, ...]:
    return (symbol.get("direction_window_minutes", 1), 30, 5, 1, 1440)


def _change(change: Figure) -> str:
    word = "up" if change.value > 0 else "down" if change.value < 0 else "flat at"
    return f"{word} {change.shown.lstrip('+-')} over {_window(change)}"


def _window(each: Figure) -> str:
    return window_name(each.window) if each.window is not None else "all"


def _spike(symbol: Mapping[str, Any]) -> str:
    if symbol["spike"] != "spike":
        return " Spike status warming up." if symbol["spike"] == "warming_up" else ""
    return f" Spike: {', '.join(symbol['spike_reasons'])}."


def _source(facts: Facts) -> str:
    newest = clock_text(facts.source["newest_minute"])
    return f"Source {facts.source['status']}, newest minute {newest}."
