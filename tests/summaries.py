"""A made market, and answers about it, for the tests of summaries."""

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from lakehouse.api.examples import EXAMPLES
from lakehouse.summary import Facts, pulse_facts, spike_facts, verdict

OK_SOURCE = "Source ok, newest minute 12:34 UTC."
MINUTE = datetime(2026, 11, 21, 12, 34, tzinfo=UTC)


def source(status: str = "ok", *reasons: str, **more: Any) -> dict[str, Any]:
    """The source's health, as /v1/pulse tells it."""
    found = [{"code": "some_reason", "text": text} for text in reasons]
    counts = {"open_gaps": 0, "missing_ids": 0}
    return {**EXAMPLES["/pulse"]["source"], **counts, "status": status, "reasons": found, **more}


def symbol(name: str = "BTCUSDT", **more: Any) -> dict[str, Any]:
    """A symbol of /v1/pulse: price 61,990.10, +0.25% 1m, +0.31% 5m, -0.12% 30m, -3.46% 24h."""
    found: dict[str, Any] = copy.deepcopy(EXAMPLES["/pulse"]["symbols"][0])
    spike = {"status": "calm", "reasons": [], "count_24h": 0, "newest_minute": None}
    day = {"change_24h": "-0.034567890123", "vwap_24h": "62811.123456789012", "trades_24h": 81234}
    gaps = {"open_gaps": 0, "missing_ids": 0}
    return {**found, "symbol": name, "spike": spike, **day, **gaps, **more}


ETH = {
    "price": "3012.45000000",
    "change_1m": "0.001100000000",
    "change_5m": "0.004200000000",
    "change_30m": "0.019800000000",
    "change_24h": "0.052100000000",
    "vwap_1m": "3011.900000000000",
    "vwap_30m": "2987.340000000000",
    "price_ma_30m": "2990.120000000000",
}
SPIKING = {
    "status": "spike",
    "reasons": ["return_up", "volume_high"],
    "count_24h": 2,
    "newest_minute": "2026-11-21T12:34:00Z",
}


def pulse(*symbols: dict[str, Any], health: dict[str, Any] | None = None) -> dict[str, Any]:
    """An answer of /v1/pulse; one calm BTCUSDT where no symbol is given."""
    return {"source": health or source(), "symbols": list(symbols or (symbol(),))}


def one() -> Facts:
    """BTCUSDT alone, calm, source ok."""
    return pulse_facts(pulse())


def two() -> Facts:
    """BTCUSDT down, ETHUSDT up, both calm, source ok."""
    return pulse_facts(pulse(symbol(), symbol("ETHUSDT", **ETH)))


def minutes(count: int = 30) -> list[dict[str, Any]]:
    """Rows of /v1/minutes up to the spike's, which is the last one."""
    row = EXAMPLES["/minutes"]["minutes"][0]
    quiet = {"volume": "5.00000000", "close": "61700.00000000", "return_1m": "0.000100000000"}
    before = [
        {**row, **quiet, "minute_ts": f"{MINUTE - timedelta(minutes=back):%Y-%m-%dT%H:%M:%SZ}"}
        for back in range(count - 1, 0, -1)
    ]
    return [*before, row]


def event(**more: Any) -> dict[str, Any]:
    """The body of a spike's webhook: up 0.25% to 61,990.10 on 41.20, 8.24 times the usual."""
    row = EXAMPLES["/minutes"]["minutes"][0]
    own = {"event_id": "binance-BTCUSDT-2026-11-21T12:34:00Z", "kind": "spike"}
    return {**row, **own, "schema_version": 1, "detected_at": "2026-11-21T12:34:41Z", **more}


def spiked(**more: Any) -> Facts:
    """BTCUSDT's spike, with 30 minutes of context."""
    return spike_facts(event(**more), minutes(), pulse(symbol(spike=SPIKING)))


def answer(
    facts: Facts, headline: str = "Market figures", said: str = OK_SOURCE, **texts: str
) -> dict[str, Any]:
    """What a model might say; without a text, a symbol gets a harmless one."""
    symbols = [
        {
            "symbol": each["symbol"],
            "direction": each["direction"],
            "text": texts.get(each["symbol"], "Figures as given."),
        }
        for each in facts.symbols
    ]
    if facts.kind == "pulse":
        return {"headline": headline, "symbols": symbols, "source": said}
    return {"headline": headline, **symbols[0], "source": said}


def complaints(facts: Facts, answered: object) -> list[str]:
    """What the verification says of an answer; empty: it is let through."""
    found = verdict(facts, answered if isinstance(answered, str) else json.dumps(answered))
    assert found["ok"] == (not found["complaints"])
    told: list[str] = found["complaints"]
    return told


def about_text(facts: Facts, text: str, name: str = "BTCUSDT") -> list[str]:
    """The complaints about a symbol's text, all else being well."""
    return complaints(facts, answer(facts, **{name: text}))


def about_headline(facts: Facts, text: str) -> list[str]:
    """The complaints about a headline, all else being well."""
    return complaints(facts, answer(facts, headline=text))
