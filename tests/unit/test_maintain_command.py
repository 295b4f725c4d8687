"""`firehose maintain` up to where Spark begins: its arguments, and how a result is told."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from lakehouse import child
from lakehouse.cli import app
from lakehouse.commands import maintain
from lakehouse.errors import SettingsError, StackError

BEFORE = {
    "files": 4000, "bytes": 8_000_000, "rows": 9, "delete_files": 0, "snapshots": 2000,
    "manifests": 9, "metadata_bytes": 1_234_567, "query_ms": 900,
}  # fmt: skip
AFTER = {**BEFORE, "files": 2, "snapshots": 31, "query_ms": 20}
STEP: dict[str, Any] = {
    "table": "crypto_silver_trades", "step": "compact", "before": BEFORE, "after": AFTER,
    "did": {"rewritten": 4000, "added": 2, "skipped": 0},
}  # fmt: skip
HELD = {**STEP, "step": "expire", "did": {"snapshots": 0, "files": 0, "held": "no checkpoint"}}


def ran(monkeypatch: pytest.MonkeyPatch, steps: list[dict[str, Any]]) -> list[list[str]]:
    words: list[list[str]] = []

    def run(_module: str, given: list[str], *_: object) -> bytes:
        words.append(given)
        return json.dumps({"run_id": "r", "steps": steps}).encode()

    monkeypatch.setattr(child, "run", run)
    return words


def test_what_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    words = ran(monkeypatch, [STEP, HELD])
    maintain.maintain(["crypto_silver_trades"], only="compact, expire")
    assert words == [["maintain", "crypto_silver_trades", "--only", "compact,expire"]]
    told = capsys.readouterr().out
    for each in ("4,000 → 2", "2,000 → 31", "2,000 → 4,000,000", "900 → 20"):
        assert each in told
    assert "compact 4000 rewritten, 2 added; expire no checkpoint" in told


def test_a_dry_run_tells_what_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ran(monkeypatch, [{**STEP, "did": {"hours": 3}, "after": BEFORE}])
    maintain.maintain(dry_run=True)
    assert words[0][-1] == "--dry-run"
    told = capsys.readouterr().out
    assert "→" not in told
    assert "compact 3 hours" in told
    assert "Nothing was changed." in told


def test_json_is_whole_and_a_failed_step_is_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    ran(monkeypatch, [STEP, {**HELD, "error": "disk full"}])
    done = CliRunner().invoke(app, ["maintain", "--format", "json"])
    assert isinstance(done.exception, StackError)
    assert "first expire of crypto_silver_trades: disk full" in str(done.exception)
    assert json.loads(done.stdout)["steps"][0] == STEP


@pytest.mark.parametrize(
    "words", [["nonsense"], ["--only", "compact,shrink"], ["--format", "csv"]], ids=str
)
def test_what_is_unknown_is_refused_before_spark_starts(words: list[str]) -> None:
    done = CliRunner().invoke(app, ["maintain", *words])
    assert isinstance(done.exception, SettingsError)
