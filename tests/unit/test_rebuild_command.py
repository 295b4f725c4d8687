"""`firehose rebuild` up to where Spark begins: its arguments, and how a result is told."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lakehouse import child
from lakehouse.cli import app
from lakehouse.commands import rebuild
from lakehouse.errors import SettingsError

PIECE = {
    "layer": "silver", "from": "2024-08-08T22:00:00+00:00", "to": "2024-08-09T01:00:00+00:00",
    "read": 4010, "rejected": 1, "duplicates": 40, "added": 10, "changed": 11, "removed": 3,
    "after": 0, "kept": 2, "quarantined": 0, "released": 0,
}  # fmt: skip
EQUAL = {**PIECE, "added": 0, "changed": 0, "removed": 0, "kept": 0}


@pytest.mark.parametrize(
    ("pieces", "dry_run", "said"),
    [
        ([PIECE], False, "2 rows of Silver that no valid record of Bronze gives stay. Swapped in."),
        ([PIECE], True, "Nothing was written. After Silver, Gold is rebuilt too."),
        ([{**PIECE, "layer": "gold"}], True, "Nothing was written."),
        ([EQUAL], False, "All was equal already."),
        ([{**EQUAL, "after": 1}], False, "Swapped in."),
    ],
)
def test_a_result_says_what_changed_and_whether_it_was_written(
    pieces: list[dict[str, Any]], dry_run: bool, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rebuild._show(pieces, dry_run)
    told = capsys.readouterr().out
    assert "4,010" in told
    assert " ".join(told.split()).endswith(said)


def test_no_pieces_are_said_to_be_none(capsys: pytest.CaptureFixture[str]) -> None:
    rebuild._show([], dry_run=False)
    assert capsys.readouterr().out == "There is nothing in these hours to rebuild.\n"


def test_hours_and_options_reach_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[list[str]] = []

    def run(module: str, words: list[str], *_: object) -> bytes:
        given.append([module, *words])
        return b'{"pieces": []}'

    monkeypatch.setattr(child, "run", run)
    words = ["rebuild", "gold", "--from", "1970-01-02T00:30Z", "--dry-run"]
    done = CliRunner().invoke(app, [*words, "--data-dir", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "Whole hours are rebuilt: 1970-01-02 00:00Z to the watermark." in done.output
    assert given == [["spark_jobs", "rebuild", "gold", "--first-hour", "24", "--dry-run"]]


@pytest.mark.parametrize("words", [["bronze"], ["silver", "--from", "noon"]])
def test_what_can_not_be_is_refused(words: list[str]) -> None:
    done = CliRunner().invoke(app, ["rebuild", *words])
    assert isinstance(done.exception, SettingsError) and done.exception.hint
