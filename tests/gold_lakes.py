"""Small lakes with Gold and the tables of operations, for the tests of the read API."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from lakehouse import tables
from tests.lakes import LakeWriter, Row, append

# What the API looks at, and what it only counts.
NAMES = (
    tables.BRONZE, tables.SILVER, tables.QUARANTINE, tables.GOLD, tables.AUDIT, tables.GAP,
)  # fmt: skip
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def gold_row(minute: int, symbol: str = "BTCUSDT", price: str = "100", **more: Any) -> Row:
    """A row of Gold, `minute` minutes after NOON: two units of base at one price."""
    close, volume = Decimal(price), Decimal(2)
    at = NOON + timedelta(minutes=minute)
    return {
        "exchange": "binance",
        "symbol": symbol,
        "minute_ts": at,
        **dict.fromkeys(("open", "high", "low", "close", "vwap_1m", "price_ma_30m"), close),
        "volume": volume,
        "quote_volume": close * volume,
        "trades": 3,
        "exchange_trades": 4,
        "taker_buy_volume": Decimal(1),
        "volume_5m": volume,
        "return_1m": Decimal("0.001"),
        "spike": False,
        "spike_reasons": [],
        "is_final": False,
        "updated_at": at + timedelta(seconds=30),
        **more,
    }


def batch_row(number: int, job: str = tables.GOLD, status: str = "ok", **more: Any) -> Row:
    """A row of ops_audit, `number` seconds after NOON."""
    at = NOON + timedelta(seconds=number)
    return {
        "run_id": "run",
        "job": job,
        "batch_id": number,
        "query_id": "query",
        "started_at": at,
        "finished_at": at + timedelta(milliseconds=700),
        **dict.fromkeys(("rows_in", "rows_out", "dq_pass"), 10),
        **dict.fromkeys(("rows_duplicate", "rows_late", "dq_fail", "rows_upserted"), 0),
        "max_lag_ms": 1000 + number,
        "status": status,
        "error": None if status == "ok" else "no disk",
        **more,
    }


def gap_row(from_id: int, ids: int, status: str, symbol: str = "BTCUSDT", **more: Any) -> Row:
    """A row of ops_gap, noticed `from_id` seconds after NOON."""
    at = NOON + timedelta(seconds=from_id)
    return {
        "exchange": "binance",
        "symbol": symbol,
        "from_id": from_id,
        "to_id": from_id + ids - 1,
        "status": status,
        "detected_at": at,
        "repaired_at": None if status == "open" else at + timedelta(seconds=2),
        "repaired_from": "rest" if status == "repaired" else None,
        "reason": "dropped",
        "updated_at": at,
        **more,
    }


def rewrite(writer: LakeWriter, rows: Iterable[Row], where: str) -> None:
    """What a MERGE does: the rows that `where` selects go, these come, in one commit."""
    loaded = writer.catalog.load_table(f"{tables.NAMESPACE}.{tables.GOLD}")
    schema = loaded.schema().as_arrow()
    full = [{name: row.get(name) for name in schema.names} for row in rows]
    loaded.overwrite(pa.Table.from_pylist(full, schema=schema), overwrite_filter=where)


def fill(writer: LakeWriter, rows: Mapping[str, Iterable[Row]]) -> None:
    """One commit for each table."""
    for name, found in rows.items():
        append(writer.catalog, name, found)
