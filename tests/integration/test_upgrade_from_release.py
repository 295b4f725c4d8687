"""A lake that the code of the release before wrote itself, upgraded by this one."""

import os
import subprocess
import sys
import tarfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from lakehouse import completeness, migrations, tables
from lakehouse.commands.migrate import migrate
from lakehouse.query import Lake
from lakehouse.settings import load
from tests.conftest import TESTS
from tests.integration import filling

RELEASE = "44e3406"
ROOT = TESTS.parent


@pytest.fixture
def old_code(tmp_path: Path) -> Path:
    """The sources of the release, from the history."""
    packed = subprocess.run(["git", "archive", RELEASE], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip(f"the history of git does not reach back to {RELEASE}")
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
        archive.extractall(tmp_path / "code", filter="data")
    return tmp_path / "code"


def fill(code: Path, lake: Path, *numbers: int) -> None:
    words = [str(number) for number in (lake, *numbers)]
    done = subprocess.run(
        [sys.executable, filling.__file__, *words],
        env={**os.environ, "PYTHONPATH": str(code)},
        cwd=code,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]


def test_a_lake_of_the_release_before_is_upgraded_with_all_its_rows(
    tmp_path: Path, old_code: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "lake"
    folder.mkdir()
    fill(old_code, folder, 0, 99, 0)
    with Lake(load(data_dir=folder)) as lake:
        assert tables.MIGRATION not in lake.tables, "the old code wrote it"
    migrate(data_dir=folder)
    assert f"Applied: {migrations.load()[0]}" in capsys.readouterr().out
    fill(ROOT, folder, 60, 149, 100)  # with its checkpoints, and 40 trades once more
    migrate(data_dir=folder)
    assert "nothing to apply" in capsys.readouterr().out
    with Lake(load(data_dir=folder)) as lake:
        proof = completeness.prove(lake, datetime.now(UTC))
        [gold] = lake.rows(
            "SELECT sum(trades) AS trades, sum(volume) AS volume, count(*) AS minutes "
            f"FROM {tables.full_name(tables.GOLD)}"
        )
        records = lake.rows(f"SELECT kind FROM {tables.full_name(tables.MIGRATION)}")
    assert proof.complete and proof.trades == 150, proof.faults
    assert (gold["trades"], str(gold["volume"]), gold["minutes"]) == (150, "37.50000000", 8)
    assert [record["kind"] for record in records] == ["applied"] * len(migrations.load())
