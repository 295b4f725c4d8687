"""A stream that fails on what mends itself is started again, alone; and all is exact afterwards.

The faults are real: files of the tables are moved away under the running streams.
"""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psutil import Process

from lakehouse import tables
from lakehouse.settings import Settings
from tests.commands import wait_for
from tests.integration.applications import (
    App,
    application,
    ended_with,
    feed,
    lake_settings,
    rows,
    silver_ids,
)

FAILED = "SELECT job, batch_id, error FROM lake.market.ops_audit WHERE status = 'failed'"
COUNTED = "SELECT sum(trades)::BIGINT AS trades FROM lake.market.crypto_gold_minute"
BOOKS = (
    "SELECT sum(rows_in)::BIGINT AS rows_in, sum(rows_out)::BIGINT AS rows_out "
    "FROM lake.market.ops_audit WHERE status = 'ok' AND job = 'crypto_silver_trades'"
)


def folder_of(settings: Settings, table: str) -> Path:
    return settings.data_path / "warehouse" / tables.NAMESPACE / table


@contextmanager
def blocked(folder: Path) -> Iterator[None]:
    """A file stands where the folder was: nothing can be read from it nor written into it."""
    away = folder.with_name(folder.name + ".away")
    folder.rename(away)
    folder.touch()
    try:
        yield
    finally:
        folder.unlink()
        away.rename(folder)


def until_fails_again(app: App, job: str, restarts: int) -> None:
    """Wait until a job was started again so often and failed once more."""

    def failed() -> bool:
        told = app.job(job)
        return told.get("restarts", 0) >= restarts and told.get("failing_since") is not None

    wait_for(failed, 180, f"{job} to fail")


def test_a_stream_that_cannot_write_goes_on_when_it_can(tmp_path: Path) -> None:
    settings = lake_settings(tmp_path / "lake")
    with application(settings) as app:
        app.until_ready()
        feed(settings, 0, 100)
        wait_for(lambda: app.job(tables.GOLD).get("rows_in") == 100, 180, "the first trades")
        with blocked(folder_of(settings, tables.SILVER) / "data"):
            feed(settings, 50, 100)
            until_fails_again(app, tables.SILVER, 2)
            assert app.job(tables.SILVER)["last_error"]
        wait_for(lambda: app.job(tables.SILVER).get("failing_since") is None, 180, "Silver")
        app.drained()
        assert app.job(tables.SILVER)["restarts"] >= 2
        assert app.job(tables.GOLD)["last_error"] is None, "the other stream was left alone"
    assert silver_ids(settings) == list(range(150))
    assert rows(settings, BOOKS) == [{"rows_in": 200, "rows_out": 150}]
    assert {row["job"] for row in rows(settings, FAILED)} == {tables.SILVER}
    assert "Traceback" not in app.text().split('"streams_stopped"')[-1]


def test_drained_though_both_streams_fail_meanwhile(tmp_path: Path) -> None:
    settings = lake_settings(tmp_path / "lake")
    with application(settings) as app:
        app.until_ready()
        feed(settings, 0, 10)
        wait_for(lambda: app.job(tables.GOLD).get("rows_in") == 10, 180, "the first trades")
        silver, gold = (folder_of(settings, name) for name in (tables.SILVER, tables.GOLD))
        with blocked(silver / "data"), blocked(gold / "metadata"):
            feed(settings, 10, 50)
            until_fails_again(app, tables.SILVER, 1)
            app.process.send_signal(signal.SIGUSR1)
            time.sleep(3)
            assert not app.ended
        app.drained()
    assert silver_ids(settings) == list(range(60))
    [gold_trades] = rows(
        settings, "SELECT sum(trades)::BIGINT AS n FROM lake.market.crypto_gold_minute"
    )
    assert gold_trades == {"n": 60}


def test_an_end_of_java_and_a_lake_out_of_reach_are_each_told_in_one_sentence(
    tmp_path: Path,
) -> None:
    nowhere = lake_settings(tmp_path / "no", lake_catalog_uri=f"sqlite:///{tmp_path}/no/at/all.db")
    settings = lake_settings(tmp_path / "lake")
    with application(nowhere, [tables.GOLD]) as lost, application(settings, [tables.GOLD]) as app:
        app.until_ready()
        [java] = [each for each in Process(app.process.pid).children(True) if each.name() == "java"]
        java.kill()
        assert ended_with(app, 6) == "error: Spark's Java process has ended. Its log has the rest."
        told = ended_with(lost, 5)
        assert "The lake can't be reached" in told and "no/at/all.db" in told
