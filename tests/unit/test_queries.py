"""sql/queries: each is run as its reader runs it, through the command line, on a real lake."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lakehouse import tables
from lakehouse.cli import app
from tests.lakes import MIDNIGHT, LakeWriter, Row, record, silver_row

QUERIES = sorted((Path(__file__).resolve().parents[2] / "sql" / "queries").glob("*.sql"))
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    writer = LakeWriter(tmp_path_factory.mktemp("lake"), tables.ALL)
    trades = [silver_row(1), silver_row(2), {**silver_row(3), "quote_qty": Decimal(5000)}]
    # Too old to be among the newest 24 hours, however large.
    trades.append({**silver_row(0, minutes=-1500), "quote_qty": Decimal(9000)})
    writer.append(tables.SILVER, trades)
    writer.append(tables.GOLD, gold_rows())
    writer.append(tables.QUARANTINE, quarantine_rows())
    writer.append(tables.AUDIT, audit_rows())
    writer.append(tables.AUDIT, check_rows())
    writer.append(tables.GAP, gap_rows())
    return writer.settings.data_path


def gold_rows() -> list[Row]:
    """Eleven minutes of two symbols; the last of each is a spike. 1 unit at 10, then 2 at 11.3."""
    volume, quote = Decimal(3), Decimal("32.6")
    return [
        {
            "exchange": "binance",
            "symbol": symbol,
            "minute_ts": MIDNIGHT + timedelta(minutes=minute),
            "volume": volume,
            "quote_volume": quote,
            "trades": 2,
            "spike": minute == 10,
            "spike_reasons": ["return_up", "volume_high"] if minute == 10 else [],
            "is_final": minute < 5,
        }
        for symbol in ("BTCUSDT", "ETHUSDT")
        for minute in range(11)
    ]


def quarantine_rows() -> list[Row]:
    both = ["price_not_exact", "qty_not_positive"]
    return [
        record(1, 7, reasons=["price_not_exact"], quarantined_at=MIDNIGHT),
        record(2, 8, symbol="ETHUSDT", reasons=both, quarantined_at=NOW),
        record(3, 9, reasons=["unreadable"], quarantined_at=NOW, released_at=NOW),
    ]


def audit_rows() -> list[Row]:
    return [
        audit_row(0, minutes_ago=100, lag_ms=9000),
        audit_row(1, minutes_ago=30, lag_ms=2000),
        audit_row(2, minutes_ago=20, lag_ms=1000),
        {**audit_row(3, minutes_ago=10, rows=0), "status": "failed", "error": "no disk"},
    ]


def audit_row(batch: int, minutes_ago: int, rows: int = 10, lag_ms: int | None = None) -> Row:
    at = NOW - timedelta(minutes=minutes_ago)
    return {
        "job": tables.SILVER,
        "batch_id": batch,
        "started_at": at,
        "finished_at": at,
        "rows_in": rows,
        "rows_out": rows - 3 if rows else 0,
        "rows_duplicate": 2 if rows else 0,
        "rows_late": 1 if rows else 0,
        "dq_fail": 1 if rows else 0,
        "max_lag_ms": lag_ms,
        "status": "ok",
    }


def check_rows() -> list[Row]:
    """One check failed and passed again, one warns still, one turned long ago, one never did."""
    looks = [
        ("ops_gap.gaps_close", "warn", 90, "a=1"), ("ops_gap.gaps_close", "warn", 30, "a=2"),
        ("ops_gap.gap_range_right", "failed", 60, "b=1"),
        ("ops_gap.gap_range_right", "ok", 50, None),
        ("ops_gap.gap_state_right", "failed", 60 * 24 * 8, "c=1"),
        ("ops_gap.gap_state_right", "ok", 60, None), ("ops_gap.gaps_apart", "ok", 60, None),
    ]  # fmt: skip
    return [
        {**audit_row(0, minutes, rows=0), "job": f"check:{name}", "status": status, "error": error}
        for name, status, minutes, error in looks
    ]


def gap_rows() -> list[Row]:
    """Two repaired after 1.5 s and 4 s, one that the exchange has not, two open in another hour."""
    later = MIDNIGHT + timedelta(minutes=61)
    return [
        gap_row(10, 19, "repaired", seconds=1.5),
        gap_row(30, 30, "repaired", seconds=4),
        gap_row(40, 44, "unrepairable", seconds=2),
        gap_row(50, 52, "open", at=later),
        gap_row(1, 1, "open", at=later - timedelta(seconds=1), symbol="ETHUSDT"),
    ]


def gap_row(
    from_id: int, to_id: int, status: str, seconds: float | None = None,
    at: datetime = MIDNIGHT, symbol: str = "BTCUSDT"
) -> Row:  # fmt: skip
    return {
        "exchange": "binance",
        "symbol": symbol,
        "from_id": from_id,
        "to_id": to_id,
        "status": status,
        "detected_at": at,
        "repaired_at": None if seconds is None else at + timedelta(seconds=seconds),
        "repaired_from": "rest" if status == "repaired" else None,
        "reason": "" if status == "repaired" else "dropped",
    }


def run(name: str, data_dir: Path) -> list[dict[str, Any]]:
    """The rows of one query, as `firehose sql "$(cat …)"` gives them."""
    [path] = [path for path in QUERIES if path.stem == name]
    text = path.read_text(encoding="utf-8")
    words = ["sql", text, "--format", "json", "--data-dir", str(data_dir)]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    rows: list[dict[str, Any]] = json.loads(done.output)
    return rows


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_a_query_begins_with_what_it_answers(path: Path) -> None:
    # A line comment, as the first word of a command line, would be taken for an option.
    assert path.read_text(encoding="utf-8").startswith("/* "), f"{path.name}: write /* … */"


def test_every_query_is_tested_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [path.stem for path in QUERIES if f'run("{path.stem}"' not in source] == []


def test_latest_minutes(data_dir: Path) -> None:
    rows = run("latest_minutes", data_dir)
    assert [row["symbol"] for row in rows] == ["BTCUSDT"] * 10 + ["ETHUSDT"] * 10
    assert rows[0]["minute_ts"] == "2024-08-09T00:10:00Z"
    assert rows[9]["minute_ts"] == "2024-08-09T00:01:00Z"


def test_vwap_by_day_is_exact_and_rounded_half_up(data_dir: Path) -> None:
    first, second = run("vwap_by_day", data_dir)
    # 11 x 32.6 / 33 = 10.8666…
    assert first["vwap"] == second["vwap"] == "10.86666667"
    assert (first["day"], first["trades"]) == ("2024-08-09T00:00:00Z", 22)
    assert (first["volume"], first["quote_volume"]) == ("33.00000000", "358.6000000000000000")


def test_largest_trades(data_dir: Path) -> None:
    rows = run("largest_trades", data_dir)
    assert [row["agg_id"] for row in rows] == [3, 1, 2]
    assert {row["taker"] for row in rows} == {"sold"}


def test_completeness_by_hour_counts_jumps_and_repeats(tmp_path: Path) -> None:
    writer = LakeWriter(tmp_path, [tables.SILVER])
    writer.append(tables.SILVER, [silver_row(1), silver_row(2), silver_row(2), silver_row(5)])
    writer.append(tables.SILVER, [silver_row(9, minutes=60), silver_row(10, minutes=60)])
    rows = run("completeness_by_hour", tmp_path)
    assert [(row["missing"], row["twice"]) for row in rows] == [(3, 0), (2, 1)]


def test_freshness(data_dir: Path) -> None:
    [row] = run("freshness", data_dir)
    assert (row["job"], row["lag_ms"], row["worst_lag_ms_1h"]) == (tables.SILVER, 1000, 2000)
    assert row["seconds_ago"] >= 20 * 60


def test_rejected_by_rule(data_dir: Path) -> None:
    rows = run("rejected_by_rule", data_dir)
    assert [(row["reason"], row["records"], row["symbols"]) for row in rows] == [
        ("price_not_exact", 2, 2),
        ("qty_not_positive", 1, 1),
    ]
    assert rows[0]["newest"] == {"kafka_partition": 0, "kafka_offset": 2}


def test_audit_trend(data_dir: Path) -> None:
    rows = run("audit_trend", data_dir)
    assert [row["hour"] for row in rows] == sorted((row["hour"] for row in rows), reverse=True)
    assert sum(row["batches"] for row in rows) == 3
    assert sum(row["failed"] for row in rows) == 1
    assert sum(row["rows_in"] for row in rows) == 30
    assert all(row["adds_up"] for row in rows)


def test_failed_checks(data_dir: Path) -> None:
    still, again = run("failed_checks", data_dir)
    assert (still["table_name"], still["check_name"]) == ("ops_gap", "gaps_close")
    assert (still["status_now"], still["times"], still["reason"]) == ("warn", 2, "a=2")
    assert (again["check_name"], again["status_now"]) == ("gap_range_right", "ok")
    assert (again["times"], again["reason"]) == (1, "b=1")
    assert again["last_at"] < again["last_looked_at"]


def test_spikes(data_dir: Path) -> None:
    rows = run("spikes", data_dir)
    assert [row["symbol"] for row in rows] == ["BTCUSDT", "ETHUSDT"]
    assert {row["minute_ts"] for row in rows} == {"2024-08-09T00:10:00Z"}
    assert rows[0]["spike_reasons"] == ["return_up", "volume_high"]


def test_open_gaps(data_dir: Path) -> None:
    rows = run("open_gaps", data_dir)
    assert [(row["symbol"], row["from_id"], row["ids"]) for row in rows] == [
        ("ETHUSDT", 1, 1),
        ("BTCUSDT", 50, 3),
    ]
    assert rows[0]["open_seconds"] == rows[1]["open_seconds"] + 1 > 0


def test_repairs_by_hour(data_dir: Path) -> None:
    newest, oldest = run("repairs_by_hour", data_dir)
    assert (newest["hour"], oldest["hour"]) == ("2024-08-09T01:00:00Z", "2024-08-09T00:00:00Z")
    counts = ("gaps", "symbols", "ids", "ids_repaired", "ids_unrepairable", "ids_open")
    assert [newest[name] for name in counts] == [2, 2, 4, 0, 0, 4]
    assert [oldest[name] for name in counts] == [3, 1, 16, 11, 5, 0]


def test_time_to_repair(data_dir: Path) -> None:
    [row] = run("time_to_repair", data_dir)
    assert (row["symbol"], row["repaired_from"], row["gaps"], row["ids"]) == (
        "BTCUSDT", "rest", 2, 11,
    )  # fmt: skip
    assert (row["median_s"], row["p99_s"], row["worst_s"]) == (2.75, 3.975, 4.0)
    assert row["worst_from_id"] == 30
