"""A small lake on which every check passes, and the way to break one thing in it."""

import copy
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyiceberg.table import Table

from lakehouse import tables
from lakehouse.checks.catalogue import Check
from lakehouse.checks.runner import Bounds, Inspection, Result
from lakehouse.settings import Settings
from lakehouse.tables import AUDIT, BRONZE, GAP, GOLD, MIGRATION, QUARANTINE, SILVER, SPIKE, SUMMARY
from tests.lakes import MIDNIGHT, LakeWriter, record
from tests.spike_rows import spike_rows
from tests.summary_rows import summary_row

Rows = dict[str, list[dict[str, Any]]]
Defect = Callable[[Rows], None]

NOW = MIDNIGHT + timedelta(minutes=40)
# The newest record is ten minutes old.
BOUNDS = Bounds(NOW, MIDNIGHT - timedelta(hours=1), freshness_seconds=900, watermark_minutes=10)
SYMBOLS = ("BTCUSDT", "ETHUSDT")
REJECTED, UNREPAIRABLE = 20, 40  # an id of BTCUSDT, an id of ETHUSDT
QUERIES = {BRONZE: "q-bronze", SILVER: "q-silver", GOLD: "q-gold"}


class CheckedLake:
    """A lake in `folder` whose tables can be written anew, with checkpoints of its streams."""

    def __init__(self, folder: Path) -> None:
        self.writer = LakeWriter(folder, tables.ALL)
        self.settings = self.writer.settings
        self._there: Rows = {}

    def hold(self, rows: Rows) -> None:
        """Let every table hold these rows, and the streams have read all of them."""
        for name, wanted in rows.items():
            if self._there.get(name) != wanted:
                table = self.table(name)
                schema = table.schema().as_arrow()
                full = [{column: row.get(column) for column in schema.names} for row in wanted]
                table.overwrite(pa.Table.from_pylist(full, schema=schema))
                self._there[name] = copy.deepcopy(wanted)
        self.read_all()

    def table(self, name: str) -> Table:
        """The table as pyiceberg has it, fresh from the catalog."""
        return self.writer.catalog.load_table(f"{tables.NAMESPACE}.{name}")

    def read_all(self) -> None:
        """The checkpoints of streams that have read all that is there."""
        for job, source in ((SILVER, BRONZE), (GOLD, SILVER)):
            snapshot = self.table(source).current_snapshot()
            self.checkpoint(job, None if snapshot is None else snapshot.snapshot_id)

    def checkpoint(self, job: str, snapshot_id: int | None, files: int = 1000) -> None:
        """The checkpoint of a job that has ended batch 1, reading up to `files` of a snapshot."""
        write_checkpoint(self.settings, job, snapshot_id, files)

    def run(self, checks: Iterable[Check], bounds: Bounds = BOUNDS) -> dict[str, Result]:
        """The results by the names of the checks; all of them could be run."""
        with Inspection(self.settings) as inspection:
            look = inspection.run(checks, bounds)
        assert look.left_out == ()
        return {result.check.name: result for result in look.results}


def write_checkpoint(
    settings: Settings, job: str, snapshot_id: int | None, files: int = 1000
) -> None:
    """As Spark leaves it behind after batch 1."""
    folder = Path(settings.checkpoints) / job
    for name in ("offsets", "commits"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "metadata").write_text(json.dumps({"id": QUERIES[job]}))
    position = {"version": 1, "snapshot_id": -1 if snapshot_id is None else snapshot_id}
    position |= {"position": files, "scan_all_files": False}
    (folder / "offsets" / "1").write_text(f"v1\n{{}}\n{json.dumps(position)}")
    (folder / "commits" / "1").write_text("v1\n{}")


def good_rows() -> Rows:
    """60 trades of each symbol, two a minute; one was rejected, one the exchange never had."""
    bronze = [_record(symbol, i) for symbol in SYMBOLS for i in range(60) if not _absent(symbol, i)]
    bronze.append(_unreadable())
    silver = [_trade(row) for row in bronze if row["agg_id"] is not None and row["raw"] is None]
    return {
        BRONZE: bronze,
        SILVER: silver,
        QUARANTINE: [_aside(row) for row in bronze if row["raw"] is not None],
        GOLD: minutes(silver),
        AUDIT: _audit(len(bronze), len(silver)),
        GAP: [
            _gap("BTCUSDT", 10, 12, "repaired"),
            _gap("ETHUSDT", UNREPAIRABLE, UNREPAIRABLE, "unrepairable"),
            _gap("ETHUSDT", 61, 64, "open"),
        ],
        SPIKE: spike_rows(NOW),
        SUMMARY: [summary_row("pulse", NOW), summary_row("spike", NOW, event_id="e1")],
        MIGRATION: [{"number": number} for number in (1, 2)],
    }


def minutes(silver: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Gold of these trades, as far as checks look at it."""
    grouped: dict[tuple[str, datetime], list[Mapping[str, Any]]] = defaultdict(list)
    for trade in sorted(silver, key=lambda each: each["agg_id"]):
        grouped[trade["symbol"], trade["event_ts"].replace(second=0)].append(trade)
    newest = max(minute for _, minute in grouped)
    return [_minute(key, trades, grouped, newest) for key, trades in grouped.items()]


def _minute(
    key: tuple[str, datetime],
    trades: list[Mapping[str, Any]],
    grouped: Mapping[tuple[str, datetime], list[Mapping[str, Any]]],
    newest: datetime,
) -> dict[str, Any]:
    symbol, at = key
    prices = [trade["price"] for trade in trades]
    volume = sum(trade["qty"] for trade in trades)
    quote = sum(trade["quote_qty"] for trade in trades)
    nearby = [grouped.get((symbol, at - timedelta(minutes=back)), []) for back in range(5)]
    return {
        "exchange": "binance",
        "symbol": symbol,
        "minute_ts": at,
        "open": prices[0],
        "high": max(prices),
        "low": min(prices),
        "close": prices[-1],
        "volume": volume,
        "quote_volume": quote,
        "trades": len(trades),
        "exchange_trades": 2 * len(trades),
        "taker_buy_volume": sum(t["qty"] for t in trades if not t["is_buyer_maker"]) + Decimal(0),
        "vwap_1m": (quote / volume).quantize(Decimal("1e-12"), ROUND_HALF_UP),
        "volume_5m": sum(trade["qty"] for trades in nearby for trade in trades),
        "is_final": at < newest - timedelta(minutes=10),
        "updated_at": at + timedelta(minutes=1),
    }


def _absent(symbol: str, i: int) -> bool:
    return symbol == "ETHUSDT" and i == UNREPAIRABLE


def _record(symbol: str, i: int) -> dict[str, Any]:
    at = MIDNIGHT + timedelta(seconds=30 * i)
    bad = symbol == "BTCUSDT" and i == REJECTED
    return {
        **record(i, i, symbol),
        "kafka_partition": SYMBOLS.index(symbol),
        "kafka_offset": i - (symbol == "ETHUSDT" and i > UNREPAIRABLE),
        "kafka_timestamp": at + timedelta(seconds=2),
        "price": f"{100 + i % 7}.50000000",
        "qty": f"{'-' if bad else ''}{1 + i % 3}.00000001",
        "first_trade_id": 2 * i,
        "last_trade_id": 2 * i + 1,
        "trade_time": micros(at),
        "event_time": micros(at),
        "ingest_time": micros(at + timedelta(seconds=1)),
        "is_buyer_maker": i % 2 == 0,
        "source": "ws",
        "schema_version": 1,
        "event_ts": at,
        "dt_hour": MIDNIGHT,
        "ingest_ts": at + timedelta(seconds=1),
        "raw": b"{}" if bad else None,
    }


def _unreadable() -> dict[str, Any]:
    at = MIDNIGHT + timedelta(minutes=30)
    return {**record(60, None, None, raw=b"?", kafka_timestamp=at), "exchange": None}


def _trade(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("exchange", "symbol", "agg_id", "first_trade_id", "last_trade_id", "is_buyer_maker")
    price, qty = Decimal(row["price"]), Decimal(row["qty"])
    return {
        **{name: row[name] for name in (*names, "event_ts", "dt_hour", "source", "ingest_ts")},
        "price": price,
        "qty": qty,
        "quote_qty": price * qty,
    }


def _aside(row: Mapping[str, Any]) -> dict[str, Any]:
    reason = "unreadable" if row["agg_id"] is None else "qty_not_positive"
    at = row["kafka_timestamp"] + timedelta(seconds=3)
    return {**row, "reasons": [reason], "quarantined_at": at}


def _audit(records: int, trades: int) -> list[dict[str, Any]]:
    whole = {BRONZE: (records, 0), SILVER: (records, records - trades), GOLD: (trades, 0)}
    return [
        audit_row(job, batch, part, failed if batch else 0)
        for job, (rows, failed) in whole.items()
        for batch, part in enumerate((rows // 2, rows - rows // 2))
    ]


def audit_row(job: str, batch: int, rows: int, failed: int = 0) -> dict[str, Any]:
    """A batch that went well, `failed` of its rows to quarantine."""
    at = MIDNIGHT + timedelta(minutes=10 * (batch + 1))
    return {
        "run_id": "run",
        "job": job,
        "batch_id": batch,
        "query_id": QUERIES[job],
        "started_at": at,
        "finished_at": at,
        "rows_in": rows,
        "rows_out": rows - failed,
        "rows_duplicate": 0,
        "rows_late": 0,
        "dq_pass": rows - failed,
        "dq_fail": failed,
        "status": "ok",
    }


def _gap(symbol: str, from_id: int, to_id: int, status: str) -> dict[str, Any]:
    at = MIDNIGHT + timedelta(minutes=35 if status == "open" else 20)
    return {
        "exchange": "binance",
        "symbol": symbol,
        "from_id": from_id,
        "to_id": to_id,
        "status": status,
        "detected_at": at,
        "repaired_at": None if status == "open" else at + timedelta(seconds=2),
        "repaired_from": "rest" if status == "repaired" else None,
        "updated_at": at,
    }


def micros(at: datetime) -> int:
    """µs since 1970 UTC."""
    return round(at.timestamp() * 1_000_000)
