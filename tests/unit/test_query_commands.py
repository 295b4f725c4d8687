"""`firehose sql` and `firehose verify` as functions, on real Iceberg tables."""

import csv
import io
import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.commands import Format
from lakehouse.commands.sql import TABLE_ROWS, sql
from lakehouse.commands.verify import verify
from lakehouse.commands.verify_view import HOURS_SHOWN
from lakehouse.errors import IncompleteError, SettingsError
from lakehouse.tables import BRONZE, SILVER
from lakehouse.values import plain, text
from tests.lakes import LakeWriter, record, silver_row

Out = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    writer = LakeWriter(tmp_path_factory.mktemp("lake"))
    writer.append(SILVER, [silver_row(n, minutes=n / 7) for n in (1, 2)])
    return writer.settings.data_path


def test_json_is_a_list_of_objects_with_exact_values(data_dir: Path, capsys: Out) -> None:
    sql(
        "SELECT agg_id, price, quote_qty, event_ts, is_buyer_maker, ['a', NULL] AS list, "
        "'é' AS word, NULL AS nothing, 'x'::BLOB AS raw, sum(agg_id) OVER () AS total "
        f"FROM lake.market.{SILVER} ORDER BY agg_id",
        Format.json,
        data_dir,
    )
    first, second = json.loads(capsys.readouterr().out)
    assert first == {
        "agg_id": 1,
        "price": "61837.63000000",
        "quote_qty": "1236.7526000000000000",
        "event_ts": "2024-08-09T00:00:08.571429Z",
        "is_buyer_maker": True,
        "list": ["a", None],
        "word": "é",
        "nothing": None,
        "raw": "eA==",
        "total": 3,
    }
    assert second["agg_id"] == 2


def test_json_of_no_rows_is_an_empty_list(data_dir: Path, capsys: Out) -> None:
    sql(f"SELECT * FROM {BRONZE}", Format.json, data_dir)
    assert json.loads(capsys.readouterr().out) == []


def test_csv_has_a_header_and_the_same_values(data_dir: Path, capsys: Out) -> None:
    query = f"SELECT agg_id, price, dt_hour, NULL AS nothing, ['a,b'] AS list FROM {SILVER}"
    sql(query, Format.csv, data_dir)
    header, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    assert header == ["agg_id", "price", "dt_hour", "nothing", "list"]
    assert rows[0] == ["1", "61837.63000000", "2024-08-09T00:00:00Z", "", '["a,b"]']


def test_a_table_cuts_no_value_and_says_how_many_rows_are_left(data_dir: Path, capsys: Out) -> None:
    sql(f"SELECT repeat('z', 300) AS z, x FROM range({TABLE_ROWS + 7}) t(x)", data_dir=data_dir)
    printed = capsys.readouterr().out
    assert "z" * 300 in printed
    assert "and 7 more rows" in printed
    assert f" {TABLE_ROWS - 1} " in printed
    assert f" {TABLE_ROWS} " not in printed


def test_markup_in_the_data_is_only_text(data_dir: Path, capsys: Out) -> None:
    sql("SELECT '[red]no[/red]' AS \"[b]x\"", data_dir=data_dir)
    printed = capsys.readouterr().out
    assert "[red]no[/red]" in printed
    assert "[b]x" in printed


def test_two_columns_of_one_name_are_refused(data_dir: Path) -> None:
    with pytest.raises(SettingsError, match="more than one column a"):
        sql("SELECT 1 AS a, 2 AS a", Format.json, data_dir)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_decimals_stay_exact_and_plain(value: Decimal) -> None:
    printed = plain(value)
    assert isinstance(printed, str)
    assert Decimal(printed) == value
    assert "e" not in printed.lower()


def test_values_that_json_does_not_know() -> None:
    east = timezone(timedelta(hours=3))
    assert plain(datetime(2024, 8, 9, 3, tzinfo=east)) == "2024-08-09T00:00:00Z"
    assert plain(datetime(2024, 8, 9, 0, 0, 0, 5, tzinfo=UTC)) == "2024-08-09T00:00:00.000005Z"
    assert plain(date(2024, 8, 9)) == "2024-08-09"
    assert plain(float("nan")) == "nan"
    assert plain(Decimal(10**30), "HUGEINT") == 10**30
    assert plain({"deep": [Decimal("1.50")]}) == {"deep": ["1.50"]}
    assert (text(None), text(True), text("a"), text(["é"])) == ("", "true", "a", '["é"]')


def test_nanoseconds_are_printed_whole(data_dir: Path, capsys: Out) -> None:
    sql("SELECT TIMESTAMP_NS '2024-08-09 00:00:00.000000001' AS t", Format.json, data_dir)
    assert json.loads(capsys.readouterr().out) == [{"t": "2024-08-09 00:00:00.000000001"}]


def test_the_command_needs_neither_spark_nor_pyiceberg_nor_a_home(data_dir: Path) -> None:
    code = (
        "import sys; from lakehouse.commands.sql import sql; from pathlib import Path;"
        f"sql('SELECT count(*) AS n FROM {SILVER}', 'json', Path(sys.argv[1]));"
        "heavy = {'pyspark', 'pyiceberg', 'pandas'} & set(sys.modules); assert not heavy, heavy"
    )
    env = {**os.environ, "HOME": "/nonexistent"}
    command = [sys.executable, "-c", code, str(data_dir)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == [{"n": 2}]


def test_verify_says_complete(data_dir: Path, capsys: Out) -> None:
    verify(data_dir=data_dir)
    printed = capsys.readouterr().out
    assert "complete: 2 trades, every id exactly once" in printed
    assert "not complete" not in printed


def test_verify_fails_on_a_gap_and_shows_it(tmp_path: Path, capsys: Out) -> None:
    writer = LakeWriter(tmp_path / "lake")
    writer.append(SILVER, [silver_row(n, minutes=n) for n in (1, 2, 5, 9)])
    with pytest.raises(IncompleteError, match="5 ids missing from Silver") as caught:
        verify(data_dir=writer.settings.data_path)
    assert caught.value.exit_code == 1
    printed = capsys.readouterr().out
    assert "gap of 2: 3..4 (binance BTCUSDT, after the trades of 2024-08-09 00h)" in printed
    assert "not complete: 5 ids missing" in printed


def test_verify_as_json_carries_the_whole_proof_also_when_it_fails(
    tmp_path: Path, capsys: Out
) -> None:
    writer = LakeWriter(tmp_path / "lake")
    writer.append(SILVER, [silver_row(n) for n in (1, 1, 3)])
    writer.append(BRONZE, [record(0, 1), record(1, 2)])
    with pytest.raises(IncompleteError):
        verify(Format.json, writer.settings.data_path)
    proof = json.loads(capsys.readouterr().out)
    assert (proof["complete"], proof["missing"], proof["duplicates"]) == (False, 1, 1)
    assert proof["hours"][0]["hour"] == "2024-08-09T00:00:00Z"
    assert proof["gaps"][0]["from_id"] == proof["gaps"][0]["to_id"] == 2
    assert proof["bronze"]["lost_records"][0]["agg_id"] == 2


def test_verify_of_nothing_is_an_error(tmp_path: Path) -> None:
    writer = LakeWriter(tmp_path / "lake", [SILVER])
    with pytest.raises(IncompleteError, match="holds no trades yet"):
        verify(data_dir=writer.settings.data_path)


def test_verify_has_no_csv(data_dir: Path) -> None:
    with pytest.raises(SettingsError, match="no list of rows"):
        verify(Format.csv, data_dir)


def test_verify_of_many_hours_always_shows_those_with_a_fault(tmp_path: Path, capsys: Out) -> None:
    writer = LakeWriter(tmp_path / "lake", [SILVER])
    hours = [n for n in range(HOURS_SHOWN + 30) if n != 1]
    writer.append(SILVER, [silver_row(n, minutes=n * 60) for n in hours])
    with pytest.raises(IncompleteError):
        verify(data_dir=writer.settings.data_path)
    printed = capsys.readouterr().out
    assert "2024-08-09 00h" in printed, "the hour before the gap, though it is the oldest"
    assert "2024-08-09 02h" not in printed
    assert "and 29 more hours" in printed
