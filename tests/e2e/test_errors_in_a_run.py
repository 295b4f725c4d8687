"""What goes wrong while a run lasts: told in one sentence, ended in order, gone on with later."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lakehouse.stack.ports import free_ports
from tests.commands import firehose, nothing_left, start
from tests.e2e import mounts
from tests.e2e.test_errors import told


@contextmanager
def started(folder: Path, data: Path, **env: str) -> Iterator["subprocess.Popen[str]"]:
    process = start(folder, "run", "--data-dir", str(data), env=env)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
        assert nothing_left(data, 60)


def read_until(process: "subprocess.Popen[str]", says: str) -> str:
    """Its output up to the first line that holds `says`."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if says in line:
            return "".join(lines)
    raise AssertionError(f"it ended without {says!r}:\n{''.join(lines)}")


def test_an_exchange_out_of_reach_and_a_second_run_beside(tmp_path: Path) -> None:
    data, nobody = tmp_path / "lake", f"ws://127.0.0.1:{free_ports(1)[0]}"
    with started(tmp_path, data, BINANCE_WS_URL=nobody) as run:
        read_until(run, "Producer ready")
        second = firehose(tmp_path, "run", "--data-dir", str(data), seconds=60)
        assert second.returncode == 4
        assert f"Another run uses the folder {data} (pid {run.pid})." in told(second.stdout)[0]
        read_until(run, f"The exchange {nobody} can't be reached; the producer keeps trying.")
        run.send_signal(signal.SIGINT)
        output, _ = run.communicate(timeout=120)
        assert run.returncode == 0, output
        assert "Stopped." in output and "Traceback" not in output
        assert nothing_left(data, 1)
    retries = (data / "logs" / "producer.log").read_text().count("connection_lost")
    assert 3 <= retries <= 60, "it tries again, with growing pauses"


def test_a_disk_that_fills_up_in_mid_run(tmp_path: Path) -> None:
    data, trades = tmp_path / "lake", 2500
    data.mkdir()
    words = ["run", "--simulate", "--trades", str(trades), "--rate", "50", "--until-idle"]
    words += ["--start", "2024-08-08T22:00:00Z", "--data-dir", str(data)]
    with mounts.small_disk(data, megabytes=1300) as (under, seen):
        process = start(tmp_path, *words, under=under)
        try:
            read_until(process, "Streams started")
            filler = mounts.fill(seen)
            output, _ = process.communicate(timeout=180)
        finally:
            process.kill()
        assert process.returncode == 4, output
        assert "The disk is full, so the run ended." in told(output)[0]
        assert nothing_left(data)
        filler.unlink()
        shutil.rmtree(seen / "logs")
        again = firehose(tmp_path, *words, under=under)
        assert again.returncode == 0, again.stdout
        proof = firehose(tmp_path, "verify", "--data-dir", str(data), under=under)
        assert proof.returncode == 0, proof.stdout
        assert f"complete: {trades:,} trades, every id exactly once" in proof.stdout
