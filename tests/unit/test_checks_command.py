"""`firehose check` as a user types it, and how a file of checks is read."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from lakehouse import tables
from lakehouse.checks.catalogue import all_checks, chosen, parse
from lakehouse.cli import app
from lakehouse.errors import IncompleteError, SettingsError
from lakehouse.query import Lake
from lakehouse.tables import AUDIT, GAP
from tests.checked_lake import CheckedLake, good_rows

NOW = datetime.now(UTC)
RECORDS = f"SELECT job, status, error FROM {AUDIT} WHERE starts_with(job, 'check:')"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> CheckedLake:
    """Gaps alone: one that ends before it begins, and one that is open for long."""
    found = CheckedLake(tmp_path_factory.mktemp("lake"))
    wrong, _, long_open = (dict(row, updated_at=NOW) for row in good_rows()[GAP])
    found.hold({GAP: [{**wrong, "from_id": 99}, long_open], AUDIT: []})
    return found


def run(lake: CheckedLake, *words: str) -> Result:
    arguments = ["check", *words, "--data-dir", str(lake.settings.data_path)]
    return CliRunner().invoke(app, arguments)


def found(lake: CheckedLake, *words: str) -> dict[str, Any]:
    done: dict[str, Any] = json.loads(run(lake, *words, "--format", "json", "--no-record").stdout)
    return done


def records(lake: CheckedLake) -> list[dict[str, Any]]:
    with Lake(lake.settings) as opened:
        return opened.rows(RECORDS)


def test_a_failed_check_is_told_with_examples_and_put_on_record(lake: CheckedLake) -> None:
    before = len(records(lake))
    done = run(lake, GAP)
    assert isinstance(done.exception, IncompleteError) and done.exception.exit_code == 1
    assert "1 checks failed: gap_range_right" in str(done.exception)
    assert "exchange=binance, symbol=BTCUSDT, from_id=99, to_id=12" in done.stdout
    assert "2 checks passed, 1 warnings, 1 failed; 0 not run." in done.stdout
    new = {row["job"]: row for row in records(lake)[before:]}
    assert {job.removeprefix(f"check:{GAP}."): row["status"] for job, row in new.items()} == {
        "gap_range_right": "failed", "gap_state_right": "ok", "gaps_apart": "ok",
        "gaps_close": "warn",
    }  # fmt: skip
    assert "from_id=99" in new[f"check:{GAP}.gap_range_right"]["error"]


def test_a_warning_leaves_the_exit_code_at_zero(lake: CheckedLake) -> None:
    done = run(lake, "gaps_close", "--no-record")
    assert (done.exit_code, done.exception) == (0, None)
    assert "0 checks passed, 1 warnings, 0 failed" in done.stdout


def test_json_is_for_scripts(lake: CheckedLake) -> None:
    told = found(lake, "gap_range_right", "audit_bronze_is_read")
    assert told["passed"] is False
    [check] = told["checks"]
    assert (check["table"], check["status"], check["rows"]) == (GAP, "failed", 1)
    assert check["examples"][0]["from_id"] == 99
    assert told["not_run"] == [
        {"check": "audit_bronze_is_read", "reason": "looked at with --full alone"}
    ]


def test_the_window_is_what_the_user_says(lake: CheckedLake) -> None:
    later = (NOW + timedelta(minutes=1)).isoformat()
    assert found(lake, "gap_range_right", "--since", later)["passed"] is True
    assert found(lake, "gap_range_right", "--since", "10m")["passed"] is False
    assert found(lake, "gap_range_right", "--full")["passed"] is False


@pytest.mark.parametrize(
    "words", [["--since", "yesterday"], ["--since", "2024-08-09"], ["nothing"]]
)
def test_what_can_t_be_meant_is_told(lake: CheckedLake, words: list[str]) -> None:
    done = run(lake, *words, "--no-record")
    assert isinstance(done.exception, SettingsError)


def test_where_there_is_no_lake_that_is_told(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["check", "--data-dir", str(tmp_path)])
    assert isinstance(done.exception, SettingsError) and "no lake" in str(done.exception)


def test_a_file_of_checks_begins_with_a_check() -> None:
    head = "-- warn: a_b\n-- (full) It holds.\n-- do: mend it.\n"
    [check] = parse("t", f"{head}-- a remark\nSELECT 1 WHERE now() > $now;\n")
    assert (check.name, check.level, check.full_only) == ("a_b", "warn", True)
    assert (check.meaning, check.do) == ("It holds.", "mend it.")
    assert check.sql == "-- a remark\nSELECT 1 WHERE now() > $now"
    assert check.values == {"now"} and check.watches_the_clock
    for text in ("", "SELECT 1", f"SELECT 1;\n{head}SELECT 2", "-- fail: a\nSELECT 1"):
        with pytest.raises(SettingsError, match=r"sql/t/checks\.sql"):
            parse("t", text)


def test_every_table_has_checks_and_every_name_is_one_check() -> None:
    assert {check.table for check in all_checks()} == set(tables.ALL)
    names = [check.name for check in all_checks()]
    assert len(set(names)) == len(names) == len(chosen([]))
    assert not {*tables.ALL} & {*names}
    for table in tables.ALL:
        heads = tables.statement(table, "checks").count("\n-- do: ")
        assert heads == sum(check.table == table for check in all_checks()), table
