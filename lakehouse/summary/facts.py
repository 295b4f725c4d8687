"""What a summary may say: the figures as they are shown, and the health of their source. Pure.

The model sees nothing else, and whatever it writes is held against this.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import TypeAdapter, ValidationError

from lakehouse.summary.facts_schema import VERSION, AnyFacts, Direction
from lakehouse.summary.figures import Figure, figure, figure_from
from lakehouse.summary.spike_context import context_figures, context_rows

Kind = Literal["pulse", "spike"]

_SCHEMA: Final[TypeAdapter[AnyFacts]] = TypeAdapter(AnyFacts)
# More would be no summary, and small models begin to lose lines.
MOST_SYMBOLS: Final = 20
_WINDOWS: Final = {"1m": 1, "5m": 5, "30m": 30, "24h": 1440}
# The change that gives a symbol its direction: the first that is known.
_LEADING: Final = ("change_30m", "change_5m", "change_1m", "change_24h")
_REASONS: Final = {
    "return_up": "price up",
    "return_down": "price down",
    "volume_high": "volume high",
}
_SOURCE: Final = ("status", "newest_minute", "open_gaps", "missing_ids")


@dataclass(frozen=True)
class Facts:
    """`data` is JSON: docs/summaries.md shows it. Equal facts have equal text in `to_json`."""

    kind: Kind
    data: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """As it travels to n8n and back; `canonical` is what a digest is made of."""
        return {"kind": self.kind, **self.data}

    @property
    def canonical(self) -> str:
        return json.dumps(self.to_json(), sort_keys=True, ensure_ascii=False)

    @property
    def source(self) -> Mapping[str, Any]:
        """`{"status", "reasons", "newest_minute", "open_gaps", "missing_ids"}`"""
        source: Mapping[str, Any] = self.data["source"]
        return source

    @property
    def symbols(self) -> Sequence[Mapping[str, Any]]:
        """`[{"symbol", "direction", "minute", "spike", "figures": [...], ...}]`"""
        symbols: Sequence[Mapping[str, Any]] = self.data["symbols"]
        return symbols

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Facts":
        """What `to_json` made. ValueError with a sentence where it is none."""
        try:
            _SCHEMA.validate_python(dict(data))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise ValueError(f"These are no facts of a summary: {where}: {first['msg']}.") from None
        return Facts(data["kind"], {key: data[key] for key in data if key != "kind"})


def figures_of(symbol: Mapping[str, Any]) -> list[Figure]:
    """The figures of one symbol of the facts."""
    return [figure_from(each) for each in symbol["figures"]]


def source_figures(facts: Facts) -> list[Figure]:
    """The counts of the source: open gaps, missing trades, symbols left out."""
    found = (
        figure("gaps", facts.source["open_gaps"]),
        figure("missing", facts.source["missing_ids"]),
        figure("left_out", facts.data.get("left_out", 0)),
    )
    return [each for each in found if each is not None]


def pulse_facts(pulse: Mapping[str, Any]) -> Facts:
    """From the answer of GET /v1/pulse. Of many symbols those with a spike, then the busiest."""
    given = pulse["symbols"]
    kept = sorted(sorted(range(len(given)), key=lambda at: _rank(given[at]))[:MOST_SYMBOLS])
    symbols = [_pulse_symbol(given[at]) for at in kept]
    left_out = len(given) - len(kept)
    return Facts("pulse", _data(pulse["source"], symbols, {"left_out": left_out}))


def spike_facts(
    event: Mapping[str, Any], minutes: Sequence[Mapping[str, Any]], pulse: Mapping[str, Any]
) -> Facts:
    """From the body of a spike's webhook, the rows of /v1/minutes up to it, and /v1/pulse."""
    now = next((each for each in pulse["symbols"] if each["symbol"] == event["symbol"]), None)
    figures = [*_minute_figures(event), *context_figures(event, minutes), *_now_figures(now)]
    change = figure("change", event["return_1m"], 1)
    symbol = {
        "exchange": event["exchange"],
        "symbol": event["symbol"],
        "minute": event["minute_ts"],
        "direction": direction_of(change),
        "spike": "spike",
        "spike_reasons": [_REASONS.get(each, each) for each in event["spike_reasons"]],
        "figures": [each.to_json() for each in figures if each is not None],
    }
    more = {"event_id": event["event_id"], "rows": context_rows(event, minutes)}
    return Facts("spike", _data(pulse["source"], [symbol], more))


def direction_of(change: Figure | None) -> Direction:
    """Of the change as shown: what rounds to 0.00 % is flat."""
    if change is None:
        return "unknown"
    return "up" if change.value > 0 else "down" if change.value < 0 else "flat"


def _data(
    source: Mapping[str, Any], symbols: Sequence[Mapping[str, Any]], more: Mapping[str, Any]
) -> dict[str, Any]:
    reasons = [{"code": each["code"], "text": each["text"]} for each in source["reasons"]]
    health = {**{key: source[key] for key in _SOURCE}, "reasons": reasons}
    return {"version": VERSION, "source": health, "symbols": list(symbols), **more}


def _rank(symbol: Mapping[str, Any]) -> tuple[bool, int]:
    """Spikes first, then by trades of the day: quote volumes of unlike currencies don't compare."""
    return (symbol["spike"]["status"] != "spike", -(symbol["trades_24h"] or 0))


def _pulse_symbol(symbol: Mapping[str, Any]) -> dict[str, Any]:
    leading = next((name for name in _LEADING if symbol[name] is not None), _LEADING[0])
    window = _WINDOWS[leading.removeprefix("change_")]
    return {
        "exchange": symbol["exchange"],
        "symbol": symbol["symbol"],
        "minute": symbol["minute"],
        "minutes_behind": symbol["minutes_behind"],
        "direction": direction_of(figure("change", symbol[leading], window)),
        "direction_window_minutes": window,
        "spike": symbol["spike"]["status"],
        "spike_reasons": [_REASONS.get(each, each) for each in symbol["spike"]["reasons"]],
        "figures": [each.to_json() for each in _pulse_figures(symbol) if each is not None],
    }


def _pulse_figures(symbol: Mapping[str, Any]) -> list[Figure | None]:
    volume = symbol["volume"]
    return [
        figure("price", symbol["price"]),
        *(figure("change", symbol[f"change_{name}"], size) for name, size in _WINDOWS.items()),
        *(figure("vwap", symbol[f"vwap_{name}"], _WINDOWS[name]) for name in ("1m", "30m", "24h")),
        figure("average", symbol["price_ma_30m"], 30),
        *(figure("volume", volume[name]["total"], size) for name, size in _WINDOWS.items()),
        *(figure("volume_ratio", volume[name]["ratio"], size) for name, size in _WINDOWS.items()),
        figure("quote_volume", symbol["quote_volume_24h"], 1440),
        figure("trades", symbol["trades_24h"], 1440),
        figure("spikes", symbol["spike"]["count_24h"], 1440),
        figure("gaps", symbol["open_gaps"]),
        figure("missing", symbol["missing_ids"]),
    ]


def _minute_figures(event: Mapping[str, Any]) -> list[Figure | None]:
    """The spike's own minute."""
    return [
        figure("change", event["return_1m"], 1),
        *(figure(name, event[name], 1) for name in ("open", "high", "low", "close")),
        figure("vwap", event["vwap_1m"], 1),
        figure("average", event["price_ma_30m"], 30),
        figure("volume", event["volume"], 1),
        figure("volume", event["volume_5m"], 5),
        figure("quote_volume", event["quote_volume"], 1),
        figure("trades", event["trades"], 1),
    ]


def _now_figures(now: Mapping[str, Any] | None) -> list[Figure | None]:
    """What the pulse adds: it may be some minutes younger than the spike."""
    if now is None:
        return []
    return [
        figure("price_now", now["price"]),
        figure("change", now["change_24h"], 1440),
        figure("spikes", now["spike"]["count_24h"], 1440),
        figure("gaps", now["open_gaps"]),
        figure("missing", now["missing_ids"]),
    ]
