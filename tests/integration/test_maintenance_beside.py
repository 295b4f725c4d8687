"""Maintenance in a loop beside real streams, late trades, readers and a run by hand."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lakehouse import tables
from lakehouse.api.refresher import Refresher
from lakehouse.settings import Settings
from tests.commands import firehose, wait_for
from tests.integration.applications import (
    START,
    application,
    bronze_row,
    feed_rows,
    lake_settings,
    rows,
    silver_ids,
)

PATIENCE = 600.0
HOUR = 3_600_000_000
ROWS, COMMITS = 6, 30


def commit(settings: Settings, number: int) -> None:
    """Trades of one of three hours: two of three commits come late."""
    ids = range(number * ROWS, number * ROWS + ROWS)
    feed_rows(settings, [bronze_row(n, START + number % 3 * HOUR + n * 1_000_000) for n in ids])


@contextmanager
def reading(settings: Settings) -> Iterator[list[int]]:
    """A reader that looks at Silver and Gold again and again; how many trades it saw each time."""
    end, seen, wrong = threading.Event(), list[int](), list[Exception]()

    refresher = Refresher(settings)

    def look() -> None:
        while not end.wait(0.2):
            try:
                [found] = rows(
                    settings,
                    "SELECT count(*) AS n, count(DISTINCT agg_id) AS ids, "
                    "(SELECT count(*) FROM lake.market.crypto_gold_minute) AS minutes "
                    "FROM lake.market.crypto_silver_trades",
                )
                assert found["n"] == found["ids"]
                seen.append(found["n"])
                refresher.read()
            except Exception as error:
                wrong.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        end.set()
        thread.join()
    assert wrong == []


def test_nothing_is_lost_refused_or_unreadable_meanwhile(tmp_path: Path) -> None:
    settings = lake_settings(
        tmp_path / "lake", maintain_seconds=1, snapshot_keep_minutes=0.2, bronze_retention_days=30
    )
    with application(settings) as app:
        app.until_ready()
        commit(settings, 0)
        total = ROWS * COMMITS
        with reading(settings) as seen:
            for number in range(1, COMMITS):
                commit(settings, number)
                time.sleep(0.5)
            words = ["maintain", "--format", "json", "--data-dir", str(settings.data_path)]
            done = firehose(tmp_path, *words, "--only", "compact,expire")
            assert done.returncode == 0, done.stdout
            told = done.stdout[done.stdout.index("{\n") :]  # behind its progress
            steps = json.loads(told)["steps"]
            assert {each["step"] for each in steps} == {"compact", "expire"}
            wait_for(
                lambda: app.ended or app.job(tables.GOLD).get("rows_in") == total, PATIENCE, "Gold"
            )
        assert not app.ended, app.text()
        app.drained()
    assert seen == sorted(seen), "no reader ever saw a trade go"
    assert silver_ids(settings) == list(range(total))
    [gold] = rows(settings, "SELECT sum(trades)::BIGINT AS n FROM lake.market.crypto_gold_minute")
    assert gold["n"] == total
    audit = rows(settings, "SELECT job, status, error, details FROM lake.market.ops_audit")
    assert [row for row in audit if row["status"] != "ok"] == []
    did: Counter[str] = Counter()
    for row in audit:
        if row["details"]:
            told = json.loads(row["details"])
            did[told["step"]] += told["did"].get("rewritten", 0) + told["did"].get("snapshots", 0)
    assert did["compact"] > COMMITS / 2
    assert did["expire"] > COMMITS / 2
