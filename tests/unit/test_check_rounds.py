"""The rounds of the checks' service: what is news, what is on record, what a restart knows."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.transforms import DayTransform

from lakehouse import table_append, tables
from lakehouse.alerts import News
from lakehouse.checks import record
from lakehouse.checks.catalogue import chosen
from lakehouse.checks.rounds import Rounds
from lakehouse.query import Lake
from lakehouse.tables import AUDIT, GAP, SILVER
from tests.checked_lake import BOUNDS, NOW, CheckedLake, good_rows

MINUTE = timedelta(minutes=1)
FIELDS = "job, status, error, rows_in, rows_out, dq_fail, run_id, batch_id"
RECORDS = f"SELECT {FIELDS} FROM ops_audit WHERE starts_with(job, 'check:') ORDER BY finished_at"


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[CheckedLake]:
    """The good lake, its ops_audit partitioned by day as Spark makes it."""
    found = CheckedLake(tmp_path / "lake")
    name = f"{tables.NAMESPACE}.{AUDIT}"
    schema = found.table(AUDIT).schema()
    found.writer.catalog.drop_table(name)
    day = PartitionField(schema.find_field("started_at").field_id, 1000, DayTransform(), "day")
    found.writer.catalog.create_table(name, schema, partition_spec=PartitionSpec(day))
    found.hold({table: rows for table, rows in good_rows().items() if table != AUDIT})
    yield found


def rounds(lake: CheckedLake, told: list[str] | None = None) -> Rounds:
    patient = lake.settings.model_copy(update={"freshness_seconds": 86_400.0})
    return Rounds(patient, ([] if told is None else told).append)


def told(news: list[News]) -> list[str]:
    """What is told of the check WRONG; others may be stale by then."""
    return [each.kind for each in news if each.subject.key == f"check:{WRONG}"]


def records(lake: CheckedLake) -> list[dict[str, Any]]:
    with Lake(lake.settings) as opened:
        return opened.rows(RECORDS)


WRONG = "ops_gap.gap_range_right"


def break_range(lake: CheckedLake, at: datetime = NOW) -> None:
    """A gap that ends before it begins comes in."""
    wrong = {**good_rows()[GAP][0], "from_id": 99, "updated_at": at}
    lake.hold({GAP: [*good_rows()[GAP], wrong]})


def mend_range(lake: CheckedLake) -> None:
    lake.hold({GAP: good_rows()[GAP]})


def test_a_turn_is_news_and_on_record_and_so_is_its_end(lake: CheckedLake) -> None:
    watching = rounds(lake)
    assert watching.look(NOW) == []
    first = records(lake)
    assert {row["status"] for row in first} == {"ok"} and len(first) >= 30
    break_range(lake)
    assert told(watching.look(NOW + MINUTE)) == ["new"]
    assert told(watching.look(NOW + 2 * MINUTE)) == []
    [row] = records(lake)[len(first) :]
    assert (row["job"], row["status"]) == (f"check:{WRONG}", "failed")
    assert "from_id=99, to_id=12" in row["error"]
    assert (row["rows_in"], row["rows_out"], row["dq_fail"]) == (0, 0, 0), "the account adds up"
    mend_range(lake)
    assert told(watching.look(NOW + 3 * MINUTE)) == ["well"]
    assert [row["status"] for row in records(lake)[len(first) :]] == ["failed", "ok"]


def test_a_check_does_not_pass_because_time_has_passed(lake: CheckedLake) -> None:
    watching = rounds(lake)
    break_range(lake)
    assert told(watching.look(NOW)) == ["new"]
    for hours in range(2, 50, 12):
        assert told(watching.look(NOW + timedelta(hours=hours))) == ["still"]


def test_a_restart_tells_nothing_twice_and_still_its_end(lake: CheckedLake) -> None:
    now = datetime.now(UTC)
    break_range(lake, now)
    assert "new" in told(rounds(lake).look(now))
    again = rounds(lake)
    assert told(again.look(now + MINUTE)) == []
    assert again.ledger.bad(f"check:{WRONG}")
    mend_range(lake)
    assert told(again.look(now + 2 * MINUTE)) == ["well"]


def test_what_a_user_has_put_on_record_is_not_taken_for_told(lake: CheckedLake) -> None:
    break_range(lake, datetime.now(UTC))
    results = lake.run(chosen([GAP])).values()
    record.record(lake.settings, f"{record.ON_DEMAND}x", 0, results)
    assert "new" in told(rounds(lake).look(datetime.now(UTC)))


def test_only_what_may_have_changed_is_looked_at(lake: CheckedLake) -> None:
    watching = rounds(lake)
    watching.look(NOW)
    due = {check.name for check in watching._due({GAP}, freshness=False)}
    assert {"gap_range_right", "silver_ids_unbroken"} <= due
    assert not {"bronze_record_once", "gold_equals_silver", "silver_fresh"} & due
    assert "bronze_fresh" in {check.name for check in watching._due(set(), freshness=True)}


def test_the_window_follows_what_the_streams_have_read_not_the_clock(lake: CheckedLake) -> None:
    watching = rounds(lake)
    watching.look(NOW)
    read_until = max(row["ingest_ts"] for row in good_rows()[SILVER])
    assert watching._since is not None and watching._since <= read_until
    before = watching._since
    watching.look(NOW + timedelta(days=3))
    assert watching._since <= max(before, read_until), "nothing new was read meanwhile"


def test_rows_of_two_days_go_into_their_partitions(lake: CheckedLake) -> None:
    [result, *_] = lake.run(chosen([GAP]), BOUNDS).values()
    days = [datetime(2024, 8, day, 23, 59, tzinfo=UTC) for day in (8, 9, 9)]
    results = [replace(result, started_at=at) for at in days]
    record.record(lake.settings, "check-x", 7, results)
    assert len(records(lake)) == 3
    files = lake.table(AUDIT).inspect.files().to_pylist()
    assert sorted((str(file["partition"]["day"]), file["record_count"]) for file in files) == [
        ("2024-08-08", 1),
        ("2024-08-09", 2),
    ]


def test_another_writer_is_given_way_to(lake: CheckedLake, monkeypatch: pytest.MonkeyPatch) -> None:
    results = list(lake.run(chosen([GAP])).values())
    append, others = table_append._append, iter(range(2))

    def behind_another(table: Any, rows: Any) -> None:
        if next(others, None) is not None:  # somebody commits between our look and our commit
            lake.writer.append(AUDIT, [])
        append(table, rows)

    monkeypatch.setattr(table_append, "_append", behind_another)
    record.record(lake.settings, "check-x", 0, results)
    assert len(records(lake)) == len(results)
