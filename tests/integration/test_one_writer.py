"""Two real applications on one lake: one writes, whatever is started, killed or frozen."""

import os
import signal
import time
from pathlib import Path

from lakehouse import tables
from lakehouse.settings import Settings
from tests.commands import wait_for
from tests.integration.applications import (
    App,
    application,
    ended_with,
    feed,
    lake_settings,
    silver_ids,
)

SILVER = [tables.SILVER]
PATIENCE = 600.0


def elsewhere(settings: Settings, folder: Path) -> Settings:
    """The same lake, with a data folder and checkpoints of one's own."""
    return settings.model_copy(
        update={
            "lake_catalog_uri": f"sqlite:///{settings.catalog_db}",
            "lake_warehouse": settings.warehouse,
            "data_dir": folder,
        }
    )


def until_it_has_done(app: App, rows: int) -> None:
    wait_for(
        lambda: app.ended or app.job(tables.SILVER).get("rows_in") == rows, PATIENCE, f"{rows} rows"
    )
    assert not app.ended, app.text()


def test_a_second_application_is_told_who_writes(tmp_path: Path) -> None:
    settings = lake_settings(tmp_path / "lake", writer_lease_seconds=60)
    with application(settings) as first:
        first.until_ready()
        with (
            application(elsewhere(settings, tmp_path / "other")) as other,
            application(settings, SILVER, "same") as same,
        ):
            for second in (other, same):
                told = ended_with(second, 4)
                assert "Another application writes crypto_silver_trades" in told
                assert f"pid {first.process.pid}, since " in told
        assert not (tmp_path / "other" / "checkpoints").exists(), "it began nothing"
        feed(settings, 0, 20)
        until_it_has_done(first, 20)
        first.drained()
    assert silver_ids(settings) == list(range(20))


def test_a_frozen_owner_is_replaced_and_a_killed_one_at_once(tmp_path: Path) -> None:
    settings = lake_settings(tmp_path / "lake")
    own = elsewhere(settings, tmp_path / "second")
    with application(settings, SILVER) as frozen:
        frozen.until_ready()
        feed(settings, 0, 20)
        until_it_has_done(frozen, 20)
        frozen.kill(signal.SIGSTOP)
        feed(settings, 20, 20)
        # Before its lease is over it counts as alive, and the second would be told so.
        time.sleep(settings.writer_lease_seconds)
        with application(own, SILVER, "second") as second:
            second.until_ready()
            # Its checkpoint is new: it reads Bronze from the start, and Silver knows the ids.
            until_it_has_done(second, 40)
            frozen.kill(signal.SIGCONT)
            assert "took the place of this one as the lake's writer" in ended_with(frozen, 4)
            assert not second.ended, second.text()
            os.kill(second.process.pid, signal.SIGKILL)  # and Java is left to find out
            second.process.wait()
        began = time.monotonic()
        with application(own, SILVER, "third") as third:
            third.until_ready()
            waited = time.monotonic() - began
            feed(settings, 30, 20)
            third.drained()
            assert "lease_awaited" not in third.text(), f"it was up after {waited:.0f} s"
    assert silver_ids(settings) == list(range(50))
