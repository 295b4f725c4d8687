"""`firehose doctor` as a user meets it: what is printed and the exit code."""

from pathlib import Path

from typer.testing import CliRunner

from lakehouse.cli import app
from lakehouse.stack.ports import free_ports


def run(tmp_path: Path, **env: str) -> tuple[int, str]:
    nobody = f"http://127.0.0.1:{free_ports(1)[0]}"
    given = {"BINANCE_REST_URL": nobody, "JARS_DIR": str(tmp_path / "jars"), "COLUMNS": "200"}
    words = ["doctor", "--data-dir", str(tmp_path / "data")]
    done = CliRunner().invoke(app, words, env={**given, **env}, catch_exceptions=False)
    return done.exit_code, done.output


def test_what_a_demo_can_do_without_is_a_note(tmp_path: Path) -> None:
    code, output = run(tmp_path)
    assert code == 0, output
    assert "note" in output and "does not answer" in output
    assert "All that a run needs is there." in output
    assert not (tmp_path / "data").exists()


def test_what_every_run_needs_ends_with_1_and_says_how_to_mend_it(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    code, output = run(tmp_path)
    assert code == 1
    assert "Choose another folder with --data-dir" in output
    assert "To mend before a run: data folder." in output


def test_settings_that_cannot_be_read_are_a_finding(tmp_path: Path) -> None:
    code, output = run(tmp_path, SYMBOLS="btcusdt")
    assert code == 1
    assert "comma list in upper case" in output
