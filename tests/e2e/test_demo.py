"""`firehose demo` shows and proves; a run that lost trades says so by its exit code."""

import re
from pathlib import Path

from tests.commands import firehose, nothing_left


def test_the_demo_shows_its_minutes_its_proof_and_where_to_look_next(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = firehose(tmp_path, "demo", "--trades", "20000", env={"TMPDIR": str(scratch)})
    assert done.returncode == 0, done.stdout
    for words in ("Market Pulse", "complete: 20,000 trades", "Where to look next"):
        assert words in done.stdout
    gaps = re.search(r"Gaps on the way: (\d+), with (\d+) trades.*; 0 not repaired", done.stdout)
    assert gaps and int(gaps[1]) > 0 and int(gaps[2]) >= int(gaps[1]), done.stdout
    assert nothing_left(scratch)
    assert list(scratch.iterdir()) == [], "the demo's lake is removed"


def test_trades_that_a_fault_took_fail_the_run(tmp_path: Path) -> None:
    words = ["run", "--simulate", "--speed", "0", "--trades", "3000", "--until-idle"]
    words += ["--fault", "drop:BTCUSDT:1000100-1000109", "--data-dir", str(tmp_path / "lake")]
    # With nothing fetched again a fault is a loss.
    done = firehose(tmp_path, *words, env={"RESUME_MAX_TRADES": "0"})
    assert done.returncode == 1, done.stdout
    assert "10 trades of the exchange are not in Silver" in done.stdout
    assert "Traceback" not in done.stdout
    proof = firehose(tmp_path, "verify", "--data-dir", str(tmp_path / "lake"))
    assert proof.returncode == 1, proof.stdout
    assert "1000100" in proof.stdout
