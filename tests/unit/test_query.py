"""Reading a real Iceberg lake with DuckDB: exact, read-only, and clear when it can't."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse import settings
from lakehouse.errors import FirehoseError, SettingsError, UnreachableError
from lakehouse.query import Lake
from lakehouse.tables import BRONZE, SILVER
from tests.lakes import LakeWriter, silver_row

# 20 digits before the point: a double would round it.
HUGE = Decimal("12345678901234567890.12345678")
HUGE_QUOTE = Decimal("1234567890123456789012.1234567890123456")


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> LakeWriter:
    found = LakeWriter(tmp_path_factory.mktemp("my lake's é"), [SILVER, BRONZE])
    row = {**silver_row(1), "price": HUGE, "quote_qty": HUGE_QUOTE}
    found.append(SILVER, [row, silver_row(2), silver_row(3, "ETHUSDT")])
    return found


@pytest.fixture
def lake(writer: LakeWriter) -> Iterator[Lake]:
    with Lake(writer.settings) as found:
        yield found


def test_decimals_come_back_exactly_and_sums_too(lake: Lake) -> None:
    [row] = lake.rows(f"SELECT price, quote_qty FROM lake.market.{SILVER} WHERE agg_id = 1")
    assert row == {"price": HUGE, "quote_qty": HUGE_QUOTE}
    [total] = lake.rows(f"SELECT sum(price) AS total FROM {SILVER} WHERE symbol = 'BTCUSDT'")
    assert total == {"total": HUGE + Decimal("61837.63")}


def test_times_are_utc(lake: Lake) -> None:
    [row] = lake.rows(f"SELECT min(event_ts) AS at FROM {SILVER}")
    assert row["at"] == datetime(2024, 8, 9, tzinfo=UTC)
    assert row["at"].utcoffset().total_seconds() == 0


def test_values_are_bound_not_pasted(lake: Lake) -> None:
    sql = f"SELECT agg_id FROM {SILVER} WHERE symbol = "
    assert lake.rows(sql + "?", ["ETHUSDT"]) == [{"agg_id": 3}]
    assert lake.rows(sql + "$symbol", {"symbol": "' OR 1=1 --"}) == []


def test_a_table_without_a_snapshot_has_no_rows_and_all_columns(lake: Lake) -> None:
    found = lake.query(f"SELECT * FROM {BRONZE}")
    assert found.num_rows == 0
    assert "kafka_offset" in found.schema.names
    assert lake.rows(f"SELECT count(*) AS n FROM {BRONZE}") == [{"n": 0}]


def test_only_the_tables_of_the_lake_are_there(lake: Lake) -> None:
    assert lake.tables == (BRONZE, SILVER)
    assert {row["name"] for row in lake.rows("SHOW ALL TABLES")} == {BRONZE, SILVER}


def test_a_lake_is_frozen_when_it_is_opened(tmp_path: Path) -> None:
    growing = LakeWriter(tmp_path / "lake", [SILVER])
    growing.append(SILVER, [silver_row(1)])
    with Lake(growing.settings) as before:
        growing.append(SILVER, [silver_row(2)])
        count = f"SELECT count(*) AS n FROM {SILVER}"
        assert before.rows(count) == [{"n": 1}]
        with Lake(growing.settings) as after:
            assert after.rows(count) == [{"n": 2}]


def test_a_long_result_streams_in_batches(lake: Lake) -> None:
    batches = list(lake.stream("SELECT x FROM range(100_000) AS t(x)"))
    assert len(batches) > 1
    assert pa.Table.from_batches(batches).num_rows == 100_000


def test_what_is_kept_serves_later_queries(lake: Lake) -> None:
    lake.keep("ids", f"SELECT agg_id FROM {SILVER} WHERE agg_id > ?", [1])
    assert lake.rows("SELECT sum(agg_id)::INT AS total FROM ids") == [{"total": 5}]


@pytest.mark.parametrize(
    "sql",
    [
        f"INSERT INTO lake.market.{SILVER} (agg_id) VALUES (9)",
        f"DELETE FROM lake.market.{SILVER}",
        f"DROP VIEW lake.market.{SILVER}",
        "CREATE TABLE mine (x INT)",
        "COPY (SELECT 1) TO '/dev/null'",
        "SELECT 1; SELECT 2",
        "",
    ],
)
def test_only_reading_is_let_through(lake: Lake, sql: str) -> None:
    with pytest.raises(SettingsError, match="One reading statement"):
        lake.query(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELEC 1",
        "SELECT * FROM lake.market.nowhere",
        f"SELECT nowhere FROM {SILVER}",
        f"SELECT symbol::INT FROM {SILVER}",
        "SELECT ?",
    ],
)
def test_a_query_that_can_not_run_is_told_in_one_line(lake: Lake, sql: str) -> None:
    with pytest.raises(SettingsError, match="The query can't be run") as caught:
        lake.query(sql)
    assert "\n" not in str(caught.value)


def test_an_error_met_while_rows_are_read_is_told_the_same_way(lake: Lake) -> None:
    sql = "SELECT CASE WHEN x = 90_000 THEN error('late') ELSE x END FROM range(99_999) AS t(x)"
    with pytest.raises(FirehoseError, match="late"):
        for _ in lake.stream(sql):
            pass


def test_no_lake_yet_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no lake in .* yet") as caught:
        Lake(settings.load(_env_file=None, data_dir=tmp_path))
    assert "firehose run" in caught.value.hint
    assert not list(tmp_path.iterdir()), "reading must create nothing"


def test_a_catalog_without_tables_or_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").touch()
    with pytest.raises(SettingsError, match="is empty"):
        Lake(settings.load(_env_file=None, data_dir=tmp_path))
    (tmp_path / "catalog.db").write_text("this is no database " * 99)
    with pytest.raises(UnreachableError, match=r"can't be read"):
        Lake(settings.load(_env_file=None, data_dir=tmp_path))


def test_files_that_are_gone_are_told(tmp_path: Path) -> None:
    writer = LakeWriter(tmp_path / "lake", [SILVER])
    writer.append(SILVER, [silver_row(1)])
    for file in (tmp_path / "lake" / "warehouse").rglob("*.parquet"):
        file.unlink()
    with (
        Lake(writer.settings) as lake,
        pytest.raises(UnreachableError, match="files can't be read"),
    ):
        lake.query(f"SELECT * FROM {SILVER}")


def test_a_rest_catalog_that_does_not_answer_is_told(tmp_path: Path) -> None:
    nobody = settings.load(
        _env_file=None,
        data_dir=tmp_path,
        lake_catalog_type="rest",
        lake_catalog_uri="http://127.0.0.1:9",
        s3_secret_key="hunter2",
    )
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:9") as caught:
        Lake(nobody)
    assert "hunter2" not in str(caught.value)
