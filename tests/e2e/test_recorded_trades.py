"""`firehose run --replay` on recorded trades: as they came, and as badly as they can come."""

import json
from pathlib import Path

from tests import recordings
from tests.dead_letters import dead_letters
from tests.places import Place

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


def replay(place: Place, *files: Path, **settings: str) -> str:
    words = ["run", "--replay", *map(str, files), "--speed", "0", "--until-idle"]
    done = place.firehose(*words, env=settings)
    assert done.returncode == 0, done.stdout
    assert place.nothing_left()
    return done.stdout


def check_silver_and_gold(place: Place, shared_data: Path) -> None:
    silver = {row["symbol"]: (row["rows"], row["ids"]) for row in place.query(SILVER)}
    assert silver == {symbol: (count, count) for symbol, count in recordings.TRADES.items()}
    gold = place.query(GOLD)
    assert recordings.differing(gold, recordings.candles(shared_data)) == []
    done = place.firehose("verify", "--format", "json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["complete"]


def audit(place: Place) -> dict[str, tuple[int, int, int, int]]:
    return {
        row["job"]: (row["rows_in"], row["rows_out"], row["rows_duplicate"], row["dq_fail"])
        for row in place.query(AUDIT)
    }


def test_as_recorded(place: Place, shared_data: Path) -> None:
    replay(place, *recordings.frames(shared_data))
    check_silver_and_gold(place, shared_data)
    total = sum(recordings.TRADES.values())
    found = audit(place)
    for job in ("crypto_bronze_aggtrade", "crypto_silver_trades", "crypto_gold_minute"):
        assert found[job] == (total, total, 0, 0)


def test_twice_shuffled_and_with_garbage_between(place: Place, shared_data: Path) -> None:
    feed = place.folder / "messy.jsonl.gz"
    garbage = recordings.messy(recordings.frames(shared_data), feed, seed=7)
    output = replay(place, feed)
    check_silver_and_gold(place, shared_data)
    total = sum(recordings.TRADES.values())
    found = audit(place)
    assert found["crypto_silver_trades"] == (total, total, 0, 0)  # the producer sends none twice
    assert found["dead_letters"] == (len(garbage), 0, 0, len(garbage))
    assert f"{len(garbage):,} frames could not be read" in output
    letters = dead_letters(place.settings)
    assert sorted(letter.raw for letter in letters) == sorted(text.encode() for text in garbage)
    assert all(letter.reason for letter in letters)


def test_the_same_recording_again_changes_nothing(place: Place, shared_data: Path) -> None:
    for _ in range(2):
        replay(place, *recordings.frames(shared_data))
    check_silver_and_gold(place, shared_data)
    total = sum(recordings.TRADES.values())
    assert audit(place)["crypto_silver_trades"] == (total, total, 0, 0)
