"""`firehose quarantine release` as a user types it: dry first, then for real; `verify` agrees."""

import json
from datetime import timedelta
from pathlib import Path

from lakehouse import messages
from lakehouse.tables import BRONZE, QUARANTINE, SILVER
from lakehouse.trade import Trade
from tests.commands import firehose, query
from tests.lakes import MIDNIGHT, LakeWriter, Row, record, silver_row

AT = int(MIDNIGHT.timestamp()) * 1_000_000
NUMBERS = "SELECT agg_id, price FROM lake.market.crypto_silver_trades ORDER BY agg_id"
AUDITED = "SELECT rows_in, rows_out, rows_duplicate, dq_fail FROM ops_audit WHERE job = 'release'"


def trade(agg_id: int, price: str = "61837.63000000") -> Trade:
    return Trade(
        "binance", "BTCUSDT", agg_id, price, "0.02000000", agg_id, agg_id,
        AT, AT, True, AT, "ws",
    )  # fmt: skip


def held(offset: int, raw: bytes, reason: str, agg_id: int | None) -> Row:
    at = MIDNIGHT + timedelta(minutes=offset)
    return record(offset, agg_id, raw=raw, reasons=[reason], quarantined_at=at)


def lake(folder: Path) -> Path:
    """Ids 1 and 4 in Silver; 2 and 3 were of an unknown symbol; 5 is bad and stays so."""
    writer = LakeWriter(folder)
    writer.append(SILVER, [silver_row(1), silver_row(4)])
    writer.append(BRONZE, [record(n, n) for n in (1, 2, 3, 4, 5)])
    raw = {n: messages.encode(trade(n)) for n in (2, 3)}
    bad = messages.encode(trade(5, price="0"))
    rows = [held(n, raw[n], "symbol_unknown", n) for n in (2, 3)]
    writer.append(QUARANTINE, [*rows, held(5, bad, "price_not_positive", 5)])
    return writer.settings.data_path


def test_dry_then_for_real_then_again(tmp_path: Path) -> None:
    data = str(lake(tmp_path / "lake"))

    def run(*words: str) -> str:
        done = firehose(tmp_path, *words, "--data-dir", data, seconds=900)
        assert done.returncode == 0, done.stdout
        return done.stdout

    dry = run("quarantine", "release")
    assert "2 would keep every rule now: 2 would go to Silver, 0 are there already." in dry
    assert "1 would still break a rule and stay: price_not_positive 1." in dry
    assert "Nothing has been changed. --yes does it." in dry
    assert [row["agg_id"] for row in query(tmp_path, Path(data), NUMBERS)] == [1, 4]
    assert firehose(tmp_path, "verify", "--data-dir", data).returncode == 1

    told = run("quarantine", "release", "--yes", "--format", "json").splitlines()[-1]
    assert json.loads(told) == {
        "done": True, "selected": 3, "judged": 3, "fresh": 2, "known": 0, "failing": 1,
        "failing_by_rule": {"price_not_positive": 1}, "of_gaps": 0,
    }  # fmt: skip
    found = query(tmp_path, Path(data), NUMBERS)
    assert found == [{"agg_id": n, "price": "61837.63000000"} for n in (1, 2, 3, 4)]
    assert query(tmp_path, Path(data), AUDITED) == [
        {"rows_in": 3, "rows_out": 2, "rows_duplicate": 0, "dq_fail": 1}
    ]
    assert "complete: 4 trades" in run("verify")
    groups = json.loads(run("quarantine", "list", "--all", "--format", "json"))
    assert {row["reason"]: row["released"] for row in groups} == {
        "symbol_unknown": 2,
        "price_not_positive": 0,
    }
    # What is left has no reason to pass; of what is released nothing is left to do.
    assert "Nothing in quarantine matches." in run(
        "quarantine", "release", "--reason", "symbol_unknown"
    )
