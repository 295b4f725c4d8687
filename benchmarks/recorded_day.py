"""A day of Silver or Bronze from the recorded trades, as Arrow tables of a few minutes each.

The eleven recorded minutes are laid end to end. Each round has its own pace, its own prices and the
quantities dealt anew, so that nothing compresses because it was there before; yet bursts, delays of
the receipt and quantities are those that were recorded.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

FOLDER: Final = "binance_spot_2024-08"
SYMBOLS: Final = ("BTCUSDT", "ETHUSDT")
START: Final = datetime(2024, 8, 9, tzinfo=UTC)
HOUR_MICROS: Final = 3_600_000_000
_START_MICROS: Final = int(START.timestamp()) * 1_000_000
_DECIMALS: Final = 8
_TICKS: Final = 1_000_000  # of 0.01, in units of the eighth decimal
_TIME: Final = pa.timestamp("us", "UTC")

Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Recorded:
    """Recorded trades of a symbol; prices and quantities in units of the eighth decimal, µs."""

    price: Ints
    qty: Ints
    trades: Ints  # of the exchange, in the aggregate
    at: Ints  # after the first of all
    received: Ints  # the same of its receipt
    is_buyer_maker: "np.ndarray[Any, np.dtype[np.bool_]]"


def rounds(shared: Path, hours: float, seed: int = 1) -> Iterator[pa.Table]:
    """Rows by time, a table a round, with all columns that either table needs."""
    rng = np.random.default_rng(seed)
    each = {symbol: recorded(shared, symbol) for symbol in SYMBOLS}
    ids = dict.fromkeys(SYMBOLS, (3_100_000_000, 3_735_683_259))
    start = 0
    while start < hours * HOUR_MICROS:
        pace, parts = rng.uniform(0.8, 1.25), []
        played = {symbol: _played(one, pace, rng) for symbol, one in each.items()}
        for symbol, one in played.items():
            parts.append(_columns(symbol, one, ids[symbol], start))
            agg_id, trade_id = ids[symbol]
            ids[symbol] = (agg_id + len(one.at), trade_id + int(one.trades.sum()))
        yield pa.concat_tables(parts).sort_by("event_ts")
        start += max(int(one.at[-1]) for one in played.values()) + 1000


def recorded(shared: Path, symbol: str) -> Recorded:
    """All recorded trades of a symbol, in their order, with the times of their receipt."""
    [path] = (shared / FOLDER).glob(f"spot_{symbol}_*.recv.gz")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        pairs = [line.split(" ", 1) for line in lines]
    frames = [json.loads(frame)["data"] for _, frame in pairs]
    at = np.array([frame["T"] * 1000 for frame in frames], dtype=np.int64)
    received = np.array([int(ns) // 1000 for ns, _ in pairs], dtype=np.int64)
    trades = np.array([frame["l"] - frame["f"] + 1 for frame in frames], dtype=np.int64)
    return Recorded(
        _units(frame["p"] for frame in frames), _units(frame["q"] for frame in frames), trades,
        at - at[0], received - received[0], np.array([frame["m"] for frame in frames]),
    )  # fmt: skip


def _played(one: Recorded, pace: float, rng: np.random.Generator) -> Recorded:
    """The trades again, at another pace and price; who traded how much is dealt anew."""
    dealt = rng.permutation(len(one.at))
    at = (one.at * pace).astype(np.int64) // 1000 * 1000
    return Recorded(
        one.price + int(rng.integers(-5_000, 5_000)) * _TICKS, one.qty[dealt], one.trades[dealt],
        at, at + one.received - one.at, one.is_buyer_maker,
    )  # fmt: skip


def _units(texts: Iterator[str]) -> Ints:
    return np.array([int(Decimal(text).scaleb(_DECIMALS)) for text in texts], dtype=np.int64)


def _columns(symbol: str, one: Recorded, ids: tuple[int, int], start: int) -> pa.Table:
    count, at = len(one.at), _START_MICROS + start + one.at
    first = ids[1] + np.cumsum(one.trades) - one.trades
    price, qty = _decimals(one.price), _decimals(one.qty)
    received = _START_MICROS + start + one.received
    return pa.table({
        "exchange": ["binance"] * count, "symbol": [symbol] * count,
        "agg_id": ids[0] + np.arange(count), "price": price, "qty": qty,
        "quote_qty": pc.multiply(price, qty),
        "first_trade_id": first, "last_trade_id": first + one.trades - 1,
        "is_buyer_maker": one.is_buyer_maker, "event_ts": pa.array(at).cast(_TIME),
        "dt_hour": pa.array(at // HOUR_MICROS * HOUR_MICROS).cast(_TIME), "source": ["ws"] * count,
        "ingest_ts": pa.array(received).cast(_TIME), "trade_time": at, "event_time": at + 1000,
        "ingest_time": received, "schema_version": np.ones(count, dtype=np.int32),
        "kafka_topic": ["binance.aggtrade"] * count,
        "kafka_partition": np.full(count, SYMBOLS.index(symbol), dtype=np.int32),
        "kafka_offset": ids[0] + np.arange(count),
        "kafka_timestamp": pa.array((received + 5000) // 1000 * 1000).cast(_TIME),
        "raw": pa.nulls(count, pa.binary()),
    })  # fmt: skip


def _decimals(units: Ints) -> pa.Array:
    """Exact decimals of eight places; all fit into 18 digits, so a product fits into 38."""
    halves = np.zeros((len(units), 2), dtype=np.int64)
    halves[:, 0] = units
    return pa.Array.from_buffers(
        pa.decimal128(18, _DECIMALS), len(units), [None, pa.py_buffer(halves.tobytes())]
    )
