"""What the reading of Kafka is told of the quarantine."""

from datetime import UTC, datetime
from pathlib import Path

from lakehouse import set_aside, set_aside_sql, tables
from lakehouse.query import Lake
from tests.lakes import LakeWriter, record, silver_row


def test_records_in_quarantine_and_which_of_them_are_strays(tmp_path: Path) -> None:
    writer = LakeWriter(tmp_path / "lake")
    writer.append(tables.SILVER, [silver_row(agg_id) for agg_id in range(10, 20)])
    released = record(4, 15, released_at=datetime(2024, 8, 9, tzinfo=UTC))
    held = [record(1, 12), record(2, 10**15), record(3, None), record(6, 12, symbol="NEWUSDT")]
    elsewhere = record(5, 10**15, kafka_topic="another.topic")
    writer.append(tables.QUARANTINE, [*held, released, elsewhere])
    with Lake(writer.settings) as lake:
        found = set_aside_sql.records(lake, "binance.aggtrade")
    assert found == {0: {1: False, 2: True, 3: True, 6: True}}
    path = tmp_path / "set-aside.json"
    set_aside.write(found, path)
    assert set_aside.read(path) == found


def test_a_lake_without_a_quarantine_has_none(tmp_path: Path) -> None:
    writer = LakeWriter(tmp_path / "lake", [tables.SILVER])
    with Lake(writer.settings) as lake:
        assert set_aside_sql.records(lake, "binance.aggtrade") == {}
