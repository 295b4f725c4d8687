"""Processes under guard: they end as asked, and nothing outlives its owner."""

import os
import signal
import sys
import time
import uuid
from pathlib import Path

import psutil
import pytest

from lakehouse.errors import MissingToolError
from lakehouse.stack.process import ManagedProcess
from tests.integration.owners import eventually, line_of, owner, running

# A child, a grandchild, and one that moved to a session of its own.
FAMILY = "sleep 600 & setsid sleep 600 & echo up; wait"
STUBBORN = "trap '' TERM; echo up; while :; do sleep 0.1; done"


@pytest.fixture
def mark() -> str:
    """Put into the environment, so that all descendants can be found."""
    return uuid.uuid4().hex


def start(tmp_path: Path, mark: str, *argv: str, grace_seconds: float = 5.0) -> ManagedProcess:
    return ManagedProcess("part", argv, tmp_path / "part.log", {"MARK": mark}, grace_seconds)


def is_up(process: ManagedProcess) -> bool:
    return "up" in process.log_tail(5)


@pytest.mark.parametrize("code", [0, 1, 3, 255])
def test_the_exit_code_is_the_commands(tmp_path: Path, mark: str, code: int) -> None:
    process = start(tmp_path, mark, "sh", "-c", f"echo out; echo err >&2; exit {code}")
    assert process.wait(5)
    assert (process.returncode, process.alive) == (code, False)
    assert process.log_tail(5) == ["out", "err"]
    assert process.stop() == code, "stopping what has ended changes nothing"


def test_the_tail_is_of_this_run_alone(tmp_path: Path, mark: str) -> None:
    for text in ("first", "second"):
        process = start(tmp_path, mark, "echo", text)
        assert process.wait(5)
        assert process.log_tail(5) == [text]
    assert process.log_path.read_text() == "first\nsecond\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_signal_shows_in_the_exit_code(tmp_path: Path, mark: str, number: signal.Signals) -> None:
    process = start(tmp_path, mark, "sleep", "600")
    assert psutil.Process(process.pid).name() == "sleep", "the pid is the command's own"
    os.kill(process.pid, number)
    assert process.wait(5)
    assert process.returncode == -number


def test_stop_lets_the_command_finish_its_work(tmp_path: Path, mark: str) -> None:
    script = "trap 'sleep 0.3; echo saved; exit 7' TERM; echo up; while :; do sleep 0.05; done"
    process = start(tmp_path, mark, "sh", "-c", script)
    assert eventually(lambda: is_up(process))
    assert process.stop() == 7
    assert process.log_tail(1) == ["saved"]


def test_a_command_that_will_not_stop_is_killed_after_the_grace(tmp_path: Path, mark: str) -> None:
    process = start(tmp_path, mark, "sh", "-c", STUBBORN)
    assert eventually(lambda: is_up(process))
    started = time.monotonic()
    assert process.stop(0.5) == -signal.SIGKILL
    assert 0.4 < time.monotonic() - started < 3
    assert running(mark) == []


def test_kill_cuts_a_stop_short(tmp_path: Path, mark: str) -> None:
    process = start(tmp_path, mark, "sh", "-c", STUBBORN)
    assert eventually(lambda: is_up(process))
    process._link.sendall(b"60\n")
    time.sleep(0.1)
    started = time.monotonic()
    assert process.kill() == -signal.SIGKILL
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_descendants_end_with_the_command(
    tmp_path: Path, mark: str, number: signal.Signals
) -> None:
    process = start(tmp_path, mark, "sh", "-c", FAMILY)
    assert eventually(lambda: is_up(process) and len(running(mark)) == 4)
    os.kill(process.pid, number)
    assert process.wait(5)
    assert running(mark) == [], "alive turns false only when nothing is left"


def test_the_command_dies_with_a_killed_guard(tmp_path: Path, mark: str) -> None:
    process = start(tmp_path, mark, "sleep", "600")
    psutil.Process(process.pid).parent().kill()  # type: ignore[union-attr]
    assert eventually(lambda: not process.alive and running(mark) == [])


def test_the_guard_ends_its_command_on_sigterm(tmp_path: Path, mark: str) -> None:
    process = start(tmp_path, mark, "sh", "-c", FAMILY)
    assert eventually(lambda: is_up(process))
    psutil.Process(process.pid).parent().terminate()  # type: ignore[union-attr]
    assert process.wait(5)
    assert running(mark) == []


def test_ctrl_c_reaches_the_owner_alone(tmp_path: Path, mark: str) -> None:
    process = start(tmp_path, mark, "sleep", "600")
    groups = {os.getpgid(pid) for pid in running(mark)}
    sessions = {os.getsid(pid) for pid in running(mark)}
    assert os.getpgrp() not in groups
    assert os.getsid(0) not in sessions
    process.kill()


def test_the_environment_is_passed_on(
    tmp_path: Path, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "outer")
    monkeypatch.setenv("PYTHONPATH", "/kept")
    process = start(tmp_path, mark, "sh", "-c", "echo $FROM_OUTSIDE $PYTHONPATH $MARK")
    assert process.wait(5)
    assert process.log_tail(1) == [f"outer /kept {mark}"]


def test_no_descriptor_leaks_into_the_command(tmp_path: Path, mark: str) -> None:
    reading, writing = os.pipe()
    script = "import os; print(sorted(int(name) for name in os.listdir('/proc/self/fd'))[:-1])"
    process = ManagedProcess(
        "part", [sys.executable, "-c", script], tmp_path / "part.log", None, 5.0, (writing,)
    )
    assert process.wait(5)
    assert process.log_tail(1) == ["[0, 1, 2]"]
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize(
    ("program", "told"), [("no-such-program", "No such file"), ("/etc/passwd", "Permission denied")]
)
def test_what_cannot_be_started_is_told(tmp_path: Path, mark: str, program: str, told: str) -> None:
    with pytest.raises(MissingToolError, match=f"Could not start part: {program}: {told}"):
        start(tmp_path, mark, program)
    assert running(mark) == []


OWNER = """
import sys, time
from pathlib import Path
from lakehouse.stack.process import ManagedProcess
script, mark, folder = sys.argv[1:]
process = ManagedProcess("part", ["sh", "-c", script], Path(folder) / "part.log", {"MARK": mark}, 1)
print(process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("script", [FAMILY, STUBBORN])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_kill_9_of_the_owner_leaves_nothing_behind(
    tmp_path: Path, mark: str, script: str, number: signal.Signals
) -> None:
    with owner(OWNER, script, mark, str(tmp_path)) as process:
        assert line_of(process).isdigit()
        assert eventually(lambda: "up" in (tmp_path / "part.log").read_text())
        assert len(running(mark)) >= 3
        process.send_signal(number)
        assert eventually(lambda: running(mark) == [])
