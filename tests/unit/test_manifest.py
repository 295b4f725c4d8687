"""The manifest on real Iceberg tables: any trade dropped, doubled or changed is told."""

import csv
import hashlib
import hmac
import io
import json
import re
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse import manifest, sign_off
from lakehouse.commands import Format
from lakehouse.commands.sql import sql
from lakehouse.commands.verify import verify
from lakehouse.completeness import prove
from lakehouse.errors import IncompleteError, ResourceError, SettingsError
from lakehouse.query import Lake
from tests.documents import ROOT
from tests.lakes import MIDNIGHT, LakeWriter
from tests.trade_lines import lake_of, line, trade

LATER = MIDNIGHT + timedelta(days=1)
PAGE = ROOT / "docs" / "manifest.md"
Out = pytest.CaptureFixture[str]


ROWS = [
    *(trade(100 + n, minutes=n * 25) for n in range(8)),
    *(trade(7 + n, "ETHUSDT", n, price=Decimal(f"2{n}.5"), qty=Decimal("3")) for n in range(3)),
]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[LakeWriter, Path]:
    folder = tmp_path_factory.mktemp("good")
    writer = lake_of(folder / "lake", ROWS)
    path = folder / "manifest.json"
    verify(data_dir=writer.settings.data_path, manifest=path)
    return writer, path


def test_hashes_are_those_of_the_lines_in_order(good: tuple[LakeWriter, Path]) -> None:
    fields = json.loads(good[1].read_text())
    assert [(s["symbol"], s["count"]) for s in fields["symbols"]] == [
        ("BTCUSDT", 8),
        ("ETHUSDT", 3),
    ]
    bitcoin = fields["symbols"][0]
    assert [hour["hour"][11:13] for hour in bitcoin["hours"]] == ["00", "01", "02"]
    wanted = [
        hashlib.sha256("".join(line(row) for row in rows).encode()).hexdigest()
        for rows in (ROWS[:3], ROWS[3:5], ROWS[5:8])
    ]
    assert [hour["sha256"] for hour in bitcoin["hours"]] == wanted
    joined = "".join(f"{each}\n" for each in wanted)
    assert bitcoin["sha256"] == hashlib.sha256(joined.encode()).hexdigest()
    assert (fields["complete"], fields["faults"], fields["hmac_sha256"]) == (True, [], "")


def test_the_lake_is_what_its_manifest_says_and_may_go_on(
    good: tuple[LakeWriter, Path], tmp_path: Path, capsys: Out
) -> None:
    verify(data_dir=good[0].settings.data_path, check=good[1])
    assert "The lake is what the manifest says." in capsys.readouterr().out
    grown = lake_of(tmp_path / "grown", [*ROWS, trade(108, minutes=300)])
    verify(Format.json, grown.settings.data_path, check=good[1])
    told = json.loads(capsys.readouterr().out)
    assert (told["holds"], told["hours_beyond"], told["differences"]) == (True, 1, [])


CHANGES = st.sampled_from(
    [
        ("price", Decimal("61837.63000001")),
        ("qty", Decimal("0.2")),
        ("first_trade_id", 0),
        ("last_trade_id", None),
        ("is_buyer_maker", False),
        ("event_ts", MIDNIGHT + timedelta(microseconds=1)),
        ("agg_id", 99),
        ("symbol", "BTCUSDC"),
        (None, None),
        ("twice", None),
    ]
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 7), CHANGES)
def test_any_trade_dropped_doubled_or_changed_is_told(
    good: tuple[LakeWriter, Path], tmp_path: Path, number: int, change: tuple[str | None, Any]
) -> None:
    rows = [dict(row) for row in ROWS]
    name, value = change
    if name is None:
        del rows[number]
    elif name == "twice":
        rows.append(rows[number])
    else:
        rows[number][name] = value
        rows[number]["dt_hour"] = rows[number]["event_ts"].replace(
            minute=0, second=0, microsecond=0
        )
    changed = rows != ROWS
    writer = lake_of(tmp_path / f"lake-{sum(1 for _ in tmp_path.iterdir())}", rows)
    with Lake(writer.settings) as lake:
        found = sign_off.check(lake, good[1], b"")
        assert found.holds is not changed
        if name in {None, "twice", "agg_id", "symbol"} and 0 < number < 7:
            assert not prove(lake, LATER).complete


def test_the_difference_names_the_hour(
    good: tuple[LakeWriter, Path], tmp_path: Path, capsys: Out
) -> None:
    rows = [*ROWS[:4], {**ROWS[4], "qty": Decimal("0.02000001")}, *ROWS[5:]]
    writer = lake_of(tmp_path / "lake", rows)
    with pytest.raises(IncompleteError, match="1 hours differ"):
        verify(data_dir=writer.settings.data_path, check=good[1])
    assert "binance BTCUSDT 2024-08-09T01:00:00Z: ids or values differ" in capsys.readouterr().out


def test_an_incomplete_lake_is_signed_only_when_asked_and_then_says_so(tmp_path: Path) -> None:
    writer = lake_of(tmp_path / "lake", [trade(n) for n in (1, 2, 5)])
    folder, path = writer.settings.data_path, tmp_path / "m.json"
    with pytest.raises(IncompleteError):
        verify(data_dir=folder, manifest=path)
    assert not path.exists()
    with pytest.raises(IncompleteError):
        verify(data_dir=folder, manifest=path, allow_incomplete=True)
    fields = json.loads(path.read_text())
    assert (fields["complete"], fields["faults"]) == (False, ["2 ids missing from Silver"])
    [missing] = fields["symbols"][0]["hours"][0]["missing"]
    assert missing == {"from_id": 3, "to_id": 4, "unrepairable": False, "reason": ""}


def test_a_changed_file_is_told(good: tuple[LakeWriter, Path], tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(good[1].read_text().replace('"duplicates": 0', '"duplicates": 1', 1))
    with pytest.raises(IncompleteError, match="changed after it was written"):
        verify(data_dir=good[0].settings.data_path, check=path)


def test_a_key_signs_and_another_one_does_not_fit(
    good: tuple[LakeWriter, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, folder = tmp_path / "m.json", good[0].settings.data_path
    monkeypatch.setenv("MANIFEST_KEY", "open sesame")
    verify(data_dir=folder, manifest=path)
    verify(data_dir=folder, check=path)
    fields = json.loads(path.read_text())
    wanted = hmac.digest(b"open sesame", manifest.canonical(fields), "sha256").hex()
    assert fields["hmac_sha256"] == wanted
    assert "sesame" not in path.read_text()
    with pytest.raises(IncompleteError, match="carries no HMAC"):
        verify(data_dir=folder, check=good[1])
    monkeypatch.setenv("MANIFEST_KEY", "another")
    with pytest.raises(IncompleteError, match="does not fit MANIFEST_KEY"):
        verify(data_dir=folder, check=path)


def test_files_that_are_no_manifest_are_told_in_a_sentence(
    good: tuple[LakeWriter, Path], tmp_path: Path
) -> None:
    folder, path = good[0].settings.data_path, tmp_path / "m.json"
    for text in ("", "[]", "{}", good[1].read_text().replace(".v1", ".v2")):
        path.write_text(text)
        with pytest.raises(SettingsError, match=r"no manifest|has the format"):
            verify(data_dir=folder, check=path)
    with pytest.raises(SettingsError, match="can't be read"):
        verify(data_dir=folder, check=tmp_path / "none.json")
    with pytest.raises(ResourceError, match="can't be written"):
        verify(data_dir=folder, manifest=tmp_path / "none" / "m.json")
    with pytest.raises(SettingsError, match="exclude each other"):
        verify(data_dir=folder, manifest=path, check=path)
    with pytest.raises(SettingsError, match="about Silver"):
        verify(data_dir=folder, manifest=path, layers="bronze")


def test_a_third_party_can_recompute_it(
    good: tuple[LakeWriter, Path], tmp_path: Path, capsys: Out
) -> None:
    [program] = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.M | re.S)
    [query] = re.findall(r"firehose sql \"(SELECT .*?)\" --format csv", PAGE.read_text(), re.S)
    capsys.readouterr()
    sql(query, Format.csv, good[0].settings.data_path)
    trades = capsys.readouterr().out
    assert len(list(csv.reader(io.StringIO(trades)))) == len(ROWS) + 1

    def run(text: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "trades.csv").write_text(text)
        (tmp_path / "manifest.json").write_bytes(good[1].read_bytes())
        return subprocess.run(
            [sys.executable, "-I", "-c", program], cwd=tmp_path, capture_output=True, text=True
        )

    assert run(trades).stdout.splitlines()[-1] == "holds", run(trades).stderr
    changed = run(trades.replace("61837.63", "61837.64", 1))
    assert changed.returncode == 1
    assert "differs: binance BTCUSDT 2024-08-09T00:00:00Z" in changed.stdout
