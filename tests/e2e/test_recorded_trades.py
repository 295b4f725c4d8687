"""`firehose run --replay` on recorded trades: as they came, and as badly as they can come."""

import json
from collections.abc import Mapping
from pathlib import Path

from tests import recordings
from tests.commands import firehose, nothing_left, query

GOLD = (
    f"SELECT symbol, epoch_ms(minute_ts) AS ms, {', '.join(recordings.COLUMNS)} "
    "FROM lake.market.crypto_gold_minute"
)
SILVER = (
    "SELECT symbol, count(*) AS rows, count(DISTINCT agg_id) AS ids "
    "FROM lake.market.crypto_silver_trades GROUP BY symbol"
)
AUDIT = (
    "SELECT job, sum(rows_in)::BIGINT AS rows_in, sum(rows_out)::BIGINT AS rows_out, "
    "sum(rows_duplicate)::BIGINT AS rows_duplicate, sum(dq_fail)::BIGINT AS dq_fail "
    "FROM lake.market.ops_audit WHERE status = 'ok' GROUP BY job"
)


def replay(folder: Path, data: Path, *files: Path, **settings: str) -> str:
    words = ["run", "--replay", *map(str, files), "--speed", "0", "--until-idle"]
    done = firehose(folder, *words, "--data-dir", str(data), env=settings)
    assert done.returncode == 0, done.stdout
    assert nothing_left(data)
    return done.stdout


def check_silver_and_gold(
    folder: Path, data: Path, shared_data: Path, env: Mapping[str, str] | None = None
) -> None:
    silver = {row["symbol"]: (row["rows"], row["ids"]) for row in query(folder, data, SILVER, env)}
    assert silver == {symbol: (count, count) for symbol, count in recordings.TRADES.items()}
    gold = query(folder, data, GOLD, env)
    assert recordings.differing(gold, recordings.candles(shared_data)) == []
    done = firehose(folder, "verify", "--format", "json", "--data-dir", str(data), env=env)
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["complete"]


def audit(
    folder: Path, data: Path, env: Mapping[str, str] | None = None
) -> dict[str, tuple[int, int, int, int]]:
    return {
        row["job"]: (row["rows_in"], row["rows_out"], row["rows_duplicate"], row["dq_fail"])
        for row in query(folder, data, AUDIT, env)
    }


def test_as_recorded(tmp_path: Path, shared_data: Path) -> None:
    data = tmp_path / "lake"
    replay(tmp_path, data, *recordings.frames(shared_data))
    check_silver_and_gold(tmp_path, data, shared_data)
    total = sum(recordings.TRADES.values())
    found = audit(tmp_path, data)
    for job in ("crypto_bronze_aggtrade", "crypto_silver_trades", "crypto_gold_minute"):
        assert found[job] == (total, total, 0, 0)


def test_twice_shuffled_and_with_garbage_between(tmp_path: Path, shared_data: Path) -> None:
    data, feed = tmp_path / "lake", tmp_path / "messy.jsonl.gz"
    garbage = recordings.messy(recordings.frames(shared_data), feed, seed=7)
    output = replay(tmp_path, data, feed)
    check_silver_and_gold(tmp_path, data, shared_data)
    total = sum(recordings.TRADES.values())
    found = audit(tmp_path, data)
    assert found["crypto_silver_trades"] == (total, total, 0, 0)  # the producer sends none twice
    assert found["dead_letters"] == (garbage, 0, 0, garbage)
    assert f"{garbage:,} frames could not be read" in output


def test_the_same_recording_again_changes_nothing(tmp_path: Path, shared_data: Path) -> None:
    data = tmp_path / "lake"
    for _ in range(2):
        replay(tmp_path, data, *recordings.frames(shared_data))
    check_silver_and_gold(tmp_path, data, shared_data)
    total = sum(recordings.TRADES.values())
    assert audit(tmp_path, data)["crypto_silver_trades"] == (total, total, 0, 0)
