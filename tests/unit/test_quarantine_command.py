"""`firehose quarantine list|show` on a real lake; `release` up to where Spark would start."""

import base64
import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lakehouse import cli
from lakehouse.commands import Format
from lakehouse.commands import quarantine as command
from lakehouse.errors import SettingsError
from lakehouse.tables import QUARANTINE
from tests import selections
from tests.lakes import LakeWriter

Out = pytest.CaptureFixture[str]
TRICK = b'{"symbol":"\x1b[31mBTC"}'


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    writer = LakeWriter(tmp_path_factory.mktemp("lake"))
    rows = [dict(row) for row in selections.held_rows()]
    rows[1] |= {"raw": b"\xff\x00", "exchange": "binance", "agg_id": 7}
    rows[2] |= {"raw": TRICK, "symbol": "\x1b[31mBTC"}
    rows[3] |= {"raw": b"x" * 5000}
    writer.append(QUARANTINE, rows)
    return writer.settings.data_path


def run(data_dir: Path, *words: str) -> Result:
    found = CliRunner().invoke(cli.app, ["quarantine", *words, "--data-dir", str(data_dir)])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found


def test_list_counts_by_rule_symbol_and_hour(data_dir: Path) -> None:
    words = ["list", "--all", "--limit", "0", "--format", "json"]
    groups = json.loads(run(data_dir, *words).stdout)
    wanted: dict[tuple[str, str | None, str], int] = {}
    for row in selections.held_rows():
        for reason in row["reasons"]:
            symbol = "\x1b[31mBTC" if row["kafka_offset"] == 2 else row["symbol"]
            hour = row["quarantined_at"].strftime("%Y-%m-%dT%H:00:00Z")
            wanted[reason, symbol, hour] = wanted.get((reason, symbol, hour), 0) + 1
    found = {(group["reason"], group["symbol"], group["hour"]): group for group in groups}
    assert {key: group["records"] for key, group in found.items()} == wanted
    assert len(found) == len(groups)
    assert sum(group["released"] for group in groups) > 0
    assert all(group["first_at"] <= group["last_at"] for group in groups)
    assert [group["hour"] for group in groups] == sorted(
        (group["hour"] for group in groups), reverse=True
    )


def test_list_of_a_rule_shows_that_rule_alone(data_dir: Path) -> None:
    words = ["list", "--reason", "qty_missing", "--symbol", "BTCUSDT", "--format", "csv"]
    rows = list(csv.DictReader(io.StringIO(run(data_dir, *words, "--limit", "0").stdout)))
    assert {(row["reason"], row["symbol"]) for row in rows} == {("qty_missing", "BTCUSDT")}
    held = [
        row for row in selections.held_rows()
        if "qty_missing" in row["reasons"] and row["symbol"] == "BTCUSDT"
        and row["released_at"] is None
    ]  # fmt: skip
    assert sum(int(row["records"]) for row in rows) == len(held)


def test_list_comes_page_by_page(data_dir: Path) -> None:
    whole = json.loads(run(data_dir, "list", "--limit", "0", "--format", "json").stdout)
    first = run(data_dir, "list", "--limit", "2")
    assert f"{len(whole) - 2} more groups: --skip 2." in first.stdout
    paged = [
        json.loads(
            run(data_dir, "list", "--limit", "7", "--skip", str(at), "--format", "json").stdout
        )
        for at in range(0, len(whole), 7)
    ]
    assert [group for page in paged for group in page] == whole


def test_list_of_nothing(data_dir: Path) -> None:
    assert "Nothing in quarantine matches." in run(data_dir, "list", "--topic", "none").stdout


def test_show_explains_and_harms_no_terminal(data_dir: Path) -> None:
    shown = run(data_dir, "show", "--offset", "2").stdout
    assert "symbol_unknown: symbol is not among KNOWN_SYMBOLS" in shown
    assert r'{"symbol":"\x1b[31mBTC"}' in shown
    assert r"could be read: symbol \x1b[31mBTC" in shown
    assert "\x1b" not in shown
    assert "\x1b" not in run(data_dir, "list", "--offset", "2").stdout


def test_show_of_bytes_that_are_no_text(data_dir: Path) -> None:
    shown = run(data_dir, "show", "--partition", "1", "--offset", "1").stdout
    assert "gaps, partition 1, offset 1" in shown
    assert "2 bytes, hex:\n    ff 00" in shown
    assert "could be read: exchange binance, symbol 币安人生USDT, agg_id 7" in shown
    assert "not released" in shown


def test_show_cuts_what_is_long_unless_asked(data_dir: Path) -> None:
    assert "and 4,000 more bytes" in run(data_dir, "show", "--offset", "3").stdout
    assert "x" * 5000 in run(data_dir, "show", "--offset", "3", "--whole").stdout


def test_show_for_scripts_has_the_bytes_and_the_text(data_dir: Path) -> None:
    words = ["show", "--offset", "1-2", "--format", "json"]
    second, first = json.loads(run(data_dir, *words).stdout)
    assert base64.b64decode(first["raw"]) == b"\xff\x00"
    assert first["raw_text"] is None
    assert second["raw_text"].encode() == base64.b64decode(second["raw"]) == TRICK


def test_show_of_released_ones(data_dir: Path) -> None:
    words = ["show", "--released", "--limit", "0", "--format", "json"]
    found = json.loads(run(data_dir, *words).stdout)
    assert {row["kafka_offset"] for row in found} == set(range(0, 48, 5))
    assert all(row["released_at"] for row in found)
    assert "There may be more: --skip 10" in run(data_dir, "show").stdout


def test_release_of_nothing_needs_no_spark(data_dir: Path, capsys: Out) -> None:
    command.release(symbol=["NONEUSDT"], data_dir=data_dir)
    assert capsys.readouterr().out == "Nothing in quarantine matches.\n"
    command.release(symbol=["NONEUSDT"], fmt=Format.json, data_dir=data_dir)
    assert json.loads(capsys.readouterr().out)["selected"] == 0


def test_release_without_a_lake_makes_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        command.release(yes=True, data_dir=tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_release_prints_no_csv(data_dir: Path) -> None:
    with pytest.raises(SettingsError, match="no list of rows"):
        command.release(fmt=Format.csv, data_dir=data_dir)
