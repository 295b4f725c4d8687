"""Checks beside streams that are behind: settled points, so that no good lake is accused."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse.checks.catalogue import all_checks
from lakehouse.checks.runner import OK, WARNED, Inspection
from lakehouse.tables import BRONZE, GOLD, QUARANTINE, SILVER
from tests.checked_lake import BOUNDS, CheckedLake, good_rows, minutes

GOOD = good_rows()
CHECKS = {check.name: check for check in all_checks()}
NO_NEWS = replace(BOUNDS, freshness_seconds=300)


@pytest.fixture
def lake(tmp_path: Path) -> CheckedLake:
    return CheckedLake(tmp_path / "checked")


def left_out(lake: CheckedLake) -> set[str]:
    """The checks that can't be run, as the checkpoint of their stream is not to be had."""
    with Inspection(lake.settings) as inspection:
        look = inspection.run(all_checks(), BOUNDS)
    return {check.name for check, why in look.left_out if "checkpoint" in why}


def test_without_a_checkpoint_layers_are_not_compared(lake: CheckedLake) -> None:
    lake.hold(copy.deepcopy(GOOD))
    assert left_out(lake) == set()
    (Path(lake.settings.checkpoints) / GOLD / "metadata").unlink()
    assert left_out(lake) == {"gold_equals_silver", "gold_fresh"}


def test_a_snapshot_that_the_table_has_forgotten_is_no_settled_point(lake: CheckedLake) -> None:
    lake.hold(copy.deepcopy(GOOD))
    lake.checkpoint(SILVER, 12345)
    assert left_out(lake) == {"silver_complete", "silver_fresh"}


@pytest.mark.parametrize(("job", "source"), [(SILVER, BRONZE), (GOLD, SILVER)])
def test_a_stream_that_does_not_read_on_is_stale(lake: CheckedLake, job: str, source: str) -> None:
    name = {SILVER: "silver_fresh", GOLD: "gold_fresh"}[job]
    lake.hold(copy.deepcopy(GOOD))
    lake.checkpoint(job, None)
    assert lake.run([CHECKS[name]], NO_NEWS)[name].status == WARNED
    patient = replace(BOUNDS, freshness_seconds=3000)
    assert lake.run([CHECKS[name]], patient)[name].status == OK, "it has time until then"
    lake.read_all()
    assert lake.run([CHECKS[name]], NO_NEWS)[name].status == OK


def test_a_good_lake_is_never_accused_however_far_its_streams_are_behind(tmp_path: Path) -> None:
    lake = CheckedLake(tmp_path / "lake")
    lake.hold({name: [] for name in GOOD})
    halves = [good_rows(), good_rows()]
    snapshots = []
    for half, part in enumerate((slice(0, 60), slice(60, None))):
        lake.writer.append(BRONZE, halves[half][BRONZE][part])
        snapshots.append(current(lake, BRONZE))
    first, second = snapshots
    settled = [CHECKS[name] for name in ("silver_complete", "silver_from_bronze")]
    keys = {row["agg_id"] for row in GOOD[BRONZE][:60]}
    read = [row for row in GOOD[SILVER] if row["symbol"] == "BTCUSDT" and row["agg_id"] in keys]
    lake.writer.append(SILVER, read)
    lake.writer.append(QUARANTINE, GOOD[QUARANTINE][:1])
    lake.checkpoint(SILVER, first)
    assert all(result.passed for result in lake.run(settled).values()), "the rest is under way"
    lake.checkpoint(SILVER, second, files=0)
    assert all(result.passed for result in lake.run(settled).values()), "nothing of it read yet"
    lake.checkpoint(SILVER, second, files=1)
    assert lake.run(settled)["silver_complete"].rows == len(GOOD[BRONZE]) - 60


def test_a_minute_that_grows_while_gold_counts_is_left_alone(tmp_path: Path) -> None:
    lake = CheckedLake(tmp_path / "lake")
    lake.hold({**copy.deepcopy(GOOD), SILVER: []})
    lake.writer.append(SILVER, GOOD[SILVER][:30])
    read = current(lake, SILVER)
    lake.writer.append(SILVER, GOOD[SILVER][30:])
    check = [CHECKS["gold_equals_silver"]]
    lake.checkpoint(GOLD, read)
    assert lake.run(check)["gold_equals_silver"].passed
    wrong = minutes(GOOD[SILVER][:30])
    lake.table(GOLD).delete()
    lake.writer.append(GOLD, wrong)
    found = lake.run(check)["gold_equals_silver"]
    assert found.passed, "what Gold has not read yet can't be missing"
    lake.read_all()
    grown = len(GOOD[GOLD]) - len(wrong)
    assert lake.run(check)["gold_equals_silver"].rows >= grown


def current(lake: CheckedLake, table: str) -> int:
    snapshot = lake.table(table).current_snapshot()
    assert snapshot is not None
    return snapshot.snapshot_id
