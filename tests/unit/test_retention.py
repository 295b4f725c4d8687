"""What retention took away: noted, and counted on by every check and by the proof."""

import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lakehouse import settings
from lakehouse.checks.catalogue import all_checks
from lakehouse.completeness import prove
from lakehouse.errors import SettingsError
from lakehouse.query import Lake
from lakehouse.retention import ROWS, Removed
from lakehouse.tables import AUDIT, BRONZE, SILVER
from tests.checked_lake import BOUNDS, NOW, QUERIES, CheckedLake, good_rows
from tests.lakes import MIDNIGHT

BEFORE = MIDNIGHT + timedelta(minutes=11)


@pytest.fixture
def lake(tmp_path: Path) -> CheckedLake:
    """Records of the first eleven minutes are gone, a rejected one too; and the first batches."""
    lake, rows = CheckedLake(tmp_path / "lake"), good_rows()
    lake.hold(rows)
    cut = copy.deepcopy(rows)
    cut[BRONZE] = [row for row in rows[BRONZE] if row["kafka_timestamp"] >= BEFORE]
    cut[AUDIT] = [row for row in rows[AUDIT] if row["batch_id"] or row["job"] != SILVER]
    lake.hold(cut)
    return lake


def note(lake: CheckedLake, table: str, removed: Removed) -> None:
    with lake.table(table).transaction() as change:
        change.set_properties(removed.properties)


def failing(lake: CheckedLake) -> set[str]:
    bounds = BOUNDS.__class__(**{**BOUNDS.__dict__, "since": MIDNIGHT, "full": True})
    return {name for name, each in lake.run(all_checks(), bounds).items() if not each.passed}


def faults(lake: CheckedLake) -> tuple[tuple[str, ...], int]:
    with Lake(lake.settings) as opened:
        proof = prove(opened, NOW, ["bronze"])
    assert proof.bronze is not None
    return proof.faults, proof.bronze.removed


def test_what_went_is_missed_until_it_is_noted(lake: CheckedLake) -> None:
    missed = {"audit_bronze_is_read", "silver_from_bronze", "quarantine_from_bronze"}
    assert failing(lake) == missed
    whole = good_rows()
    gone = [row for row in whole[BRONZE] if row["kafka_timestamp"] < BEFORE]
    note(lake, BRONZE, Removed(BEFORE, len(gone)))
    assert failing(lake) == {"audit_bronze_is_read"}, "its sum is short of what the stream read"
    read = next(row["rows_in"] for row in whole[AUDIT] if row["job"] == SILVER)
    note(lake, AUDIT, Removed(BEFORE, 1, {QUERIES[SILVER]: read}))
    assert failing(lake) == set()
    assert faults(lake)[1] == len(gone)
    note(lake, BRONZE, Removed(BEFORE, len(gone) + 1))
    assert failing(lake) == {"audit_bronze_is_read"}


def test_what_went_adds_up_and_is_read_back() -> None:
    first = Removed(datetime(2024, 1, 2, tzinfo=UTC), 5, {"a": 2})
    both = first.and_also(Removed(datetime(2024, 1, 1, tzinfo=UTC), 7, {"a": 1, "b": 4}))
    assert both == Removed(first.before, 12, {"a": 3, "b": 4})
    assert Removed.read(both.properties) == both
    assert Removed.read({}) == Removed()
    later = [{ROWS: "12", "deleted-records": "7"}, {"deleted-records": "9"}, {}]
    assert both.rows_before(later) == 5, "another's delete is none of retention's"


def test_bronze_stays_longer_than_kafka() -> None:
    with pytest.raises(SettingsError, match="longer than KAFKA_RETENTION_HOURS"):
        settings.load(_env_file=None, bronze_retention_days=7)
    assert settings.load(_env_file=None, bronze_retention_days=8).bronze_retention_days == 8
