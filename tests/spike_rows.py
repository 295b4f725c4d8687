"""Events of spikes and rows of ops_spike for tests."""

from datetime import datetime, timedelta
from typing import Any

from lakehouse.spike_event import SpikeEvent, event_id


def spike_event(minute_ts: datetime, symbol: str = "BTCUSDT", **more: Any) -> SpikeEvent:
    """The price jumps from 100 to 103.5."""
    amounts = {
        "open": "100.00000000", "high": "103.50000000", "low": "100.00000000",
        "close": "103.50000000", "volume": "200.00000000",
        "quote_volume": "20700.0000000000000000", "vwap_1m": "103.500000000000",
        "volume_5m": "216.00000000", "price_ma_30m": "100.126666666667",
        "return_1m": "0.034793041392",
    }  # fmt: skip
    return SpikeEvent(
        **{
            "event_id": event_id("binance", symbol, minute_ts),
            "exchange": "binance",
            "symbol": symbol,
            "minute_ts": minute_ts,
            "detected_at": minute_ts,
            "trades": 5,
            "spike_reasons": ["return_up", "volume_high"],
            "is_final": False,
            **amounts,
            **more,
        }
    )


def spike_row(minute_ts: datetime, status: str = "pending", **more: Any) -> dict[str, Any]:
    """A row of ops_spike, found in its own minute."""
    event = spike_event(minute_ts)
    return {
        "exchange": event.exchange,
        "symbol": event.symbol,
        "minute_ts": minute_ts,
        "event_id": event.event_id,
        "body": event.body(),
        "detected_at": minute_ts,
        "status": status,
        "attempts": 1,
        "delivered_at": minute_ts if status == "delivered" else None,
        "last_error": None,
        "updated_at": minute_ts,
        **more,
    }


def spike_rows(now: datetime) -> list[dict[str, Any]]:
    """One that was delivered nine minutes ago, and one that waits."""
    found = [now - timedelta(minutes=ago) for ago in (9, 2)]
    return [spike_row(found[0], "delivered"), spike_row(found[1])]
