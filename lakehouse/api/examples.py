"""One example of each answer, for OpenAPI; a test validates them against the models."""

from typing import Any, Final

_SOURCE: Final = {
    "status": "degraded",
    "reasons": [
        {
            "code": "open_gaps",
            "text": "3 trades are missing in 1 open gaps, the oldest from 2026-11-21T12:31:07Z.",
        }
    ],
    "newest_minute": "2026-11-21T12:34:00Z",
    "gold_committed_at": "2026-11-21T12:34:41.512000Z",
    "open_gaps": 1,
    "missing_ids": 3,
    "failed_batches": 0,
    "failed_since": "2026-11-20T12:34:40Z",
}
_MINUTE: Final = {
    "exchange": "binance",
    "symbol": "BTCUSDT",
    "minute_ts": "2026-11-21T12:34:00Z",
    "open": "61837.63000000",
    "high": "61999.00000000",
    "low": "61837.63000000",
    "close": "61990.10000000",
    "volume": "41.20000000",
    "quote_volume": "2551640.4400000000000000",
    "trades": 812,
    "exchange_trades": 1204,
    "taker_buy_volume": "30.11000000",
    "vwap_1m": "61933.020388349515",
    "volume_5m": "63.70000000",
    "price_ma_30m": "61702.411333333333",
    "return_1m": "0.002465651417",
    "spike": True,
    "spike_reasons": ["return_up", "volume_high"],
    "is_final": False,
    "updated_at": "2026-11-21T12:34:41.020000Z",
}
_SYMBOL: Final = {
    "exchange": "binance",
    "symbol": "BTCUSDT",
    "minute": "2026-11-21T12:34:00Z",
    "is_final": False,
    "minutes_behind": 0,
    "updated_at": "2026-11-21T12:34:41.020000Z",
    "price": "61990.10000000",
    "change_1m": "0.002465651417",
    "change_5m": "0.003101223344",
    "change_30m": "-0.001200000000",
    "change_24h": None,
    "vwap_1m": "61933.020388349515",
    "vwap_30m": "61721.900112233445",
    "vwap_24h": None,
    "price_ma_30m": "61702.411333333333",
    "volume": {
        "1m": {"total": "7.10000000", "usual": "5.20000000", "ratio": "1.365385"},
        "5m": {"total": "22.50000000", "usual": "26.00000000", "ratio": "0.865385"},
        "30m": {"total": "160.00000000", "usual": None, "ratio": None},
        "24h": {"total": None, "usual": None, "ratio": None},
    },
    "quote_volume_24h": None,
    "trades_24h": None,
    "spike": {
        "status": "spike",
        "reasons": ["return_up", "volume_high"],
        "count_24h": 1,
        "newest_minute": "2026-11-21T12:34:00Z",
    },
    "open_gaps": 1,
    "missing_ids": 3,
}
_BATCH: Final = {
    "run_id": "5d0c2f0e",
    "job": "crypto_gold_minute",
    "batch_id": 4711,
    "query_id": "9f6b7c1a",
    "started_at": "2026-11-21T12:34:40.100000Z",
    "finished_at": "2026-11-21T12:34:41.600000Z",
    "rows_in": 1034,
    "rows_out": 1034,
    "rows_duplicate": 0,
    "rows_late": 0,
    "dq_pass": 1034,
    "dq_fail": 0,
    "rows_upserted": 2,
    "max_lag_ms": 7900,
    "status": "ok",
    "error": None,
}
_GAP: Final = {
    "exchange": "binance",
    "symbol": "BTCUSDT",
    "from_id": 3120001,
    "to_id": 3120003,
    "ids": 3,
    "status": "open",
    "detected_at": "2026-11-21T12:31:07Z",
    "repaired_at": None,
    "repaired_from": None,
    "reason": "dropped",
    "updated_at": "2026-11-21T12:31:12Z",
}
_HEALTH: Final = {
    "source": _SOURCE,
    "data_age_seconds": 0.0,
    "snapshot_age_seconds": 0.6,
    "layers": [
        {
            "table": "crypto_gold_minute",
            "rows": 2880,
            "committed_at": "2026-11-21T12:34:41.512000Z",
            "age_seconds": 3.1,
            "last_batch_at": "2026-11-21T12:34:41.600000Z",
            "lag_ms": 7900,
            "worst_lag_ms_1h": 11300,
        }
    ],
    "jobs": [
        {
            "job": "crypto_gold_minute",
            "status": "ok",
            "finished_at": "2026-11-21T12:34:41.600000Z",
            "rows_in": 1034,
            "rows_out": 1034,
            "rows_duplicate": 0,
            "dq_fail": 0,
            "error": None,
            "failed_batches": 0,
        }
    ],
    "open_gaps_since": "2026-11-21T12:31:07Z",
    "gaps": {"open": 1, "repaired": 12},
}
EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "/pulse": {"source": _SOURCE, "symbols": [_SYMBOL]},
    "/minutes": {"minutes": [_MINUTE], "next": "WzI5OTI1MTU1XQ"},
    "/spikes": {"spikes": [_MINUTE], "next": None},
    "/audit": {"batches": [_BATCH], "since": "2026-11-21T11:20:00Z", "next": None},
    "/gaps": {"gaps": [_GAP], "counts": {"open": 1, "repaired": 12}, "next": None},
    "/health": _HEALTH,
}
