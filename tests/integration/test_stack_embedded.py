"""The stack as owner of its folder and of its processes."""

import os
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lakehouse.errors import ResourceError
from lakehouse.settings import Settings, load
from lakehouse.stack import Stack
from lakehouse.stack.process import ManagedProcess
from tests.integration.owners import eventually, line_of, owner, running


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder of its own."""
    return load(data_dir=tmp_path / "data")


def quiet(text: str) -> None:
    del text


def test_the_folder_is_made_and_its_logs_lie_in_it(settings: Settings) -> None:
    with Stack(settings, quiet) as stack:
        process = stack.spawn(
            "greeter", ["sh", "-c", "echo $GREETING $JAVA_HOME"], {"GREETING": "hi"}
        )
        assert process.wait(5)
        assert process.log_path == settings.data_path / "logs" / "greeter.log"
        greeting, java_home = process.log_tail(1)[0].split()
    assert greeting == "hi"
    assert (Path(java_home) / "bin" / "java").exists()


def test_a_second_stack_is_told_who_uses_the_folder(settings: Settings) -> None:
    with Stack(settings, quiet):
        with pytest.raises(ResourceError) as caught, Stack(settings, quiet):
            pass
        assert str(settings.data_path) in caught.value.message
        assert f"pid {os.getpid()}" in caught.value.message
        assert "--data-dir" in caught.value.hint
    with Stack(settings, quiet):
        pass


def test_a_full_disk_is_told_before_anything_starts(settings: Settings) -> None:
    with (
        pytest.raises(ResourceError, match=r"GiB are free on the disk"),
        Stack(settings, quiet, least_free_bytes=1 << 60),
    ):
        pass
    with Stack(settings, quiet):
        pass


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    blocked = load(data_dir=tmp_path / "file" / "data")
    with pytest.raises(ResourceError, match=r"file/data can't be written"), Stack(blocked, quiet):
        pass


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may write anywhere, so it becomes nobody for a while."""
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if was_root:
            os.seteuid(0)


def test_a_folder_that_is_read_only_is_told(settings: Settings) -> None:
    settings.data_path.mkdir(mode=0o500)
    with unprivileged(), pytest.raises(ResourceError, match="can't be written: Permission denied"):
        Stack(settings, quiet).__enter__()


@pytest.mark.skipif(sys.platform != "linux", reason="Linux lets nobody make folders in /sys")
def test_a_file_system_that_takes_no_folder_is_told() -> None:
    blocked = load(data_dir="/sys/firehose")
    with pytest.raises(ResourceError, match="can't be written"), Stack(blocked, quiet):
        pass


LAST_WORDS = "trap 'date +%s%N > $FILE; exit 0' TERM; touch $FILE; while :; do sleep 0.02; done"


def start_part(stack: Stack, folder: Path, name: str) -> ManagedProcess:
    """A process that notes the time at which it was told to stop."""
    process = stack.spawn(name, ["sh", "-c", LAST_WORDS], {"FILE": str(folder / name)})
    assert eventually((folder / name).exists)
    return process


def test_the_youngest_is_stopped_first(settings: Settings, tmp_path: Path) -> None:
    names = ["kafka", "producer", "spark"]
    with Stack(settings, quiet) as stack:
        parts = [start_part(stack, tmp_path, name) for name in names]
    assert not any(part.alive for part in parts)
    stopped = {name: int((tmp_path / name).read_text()) for name in names}
    assert sorted(names, key=lambda name: stopped[name]) == ["spark", "producer", "kafka"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_all_are_stopped_even_when_stopping_one_fails(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException],
) -> None:
    stop = ManagedProcess.stop

    def failing(self: ManagedProcess, grace_seconds: float | None = None) -> int:
        if self.name == "spark" and grace_seconds is None:
            raise error
        return stop(self, grace_seconds)

    monkeypatch.setattr(ManagedProcess, "stop", failing)
    with pytest.raises(error), Stack(settings, quiet) as stack:
        parts = [start_part(stack, tmp_path, name) for name in ("kafka", "spark", "producer")]
    assert not any(part.alive for part in parts)
    assert (tmp_path / "kafka").read_text(), "the others were let finish"
    with Stack(settings, quiet):
        pass


OWNER = """
import signal, sys, time
# A shell starts what runs in the background with Ctrl-C ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
from lakehouse.settings import load
from lakehouse.stack import Stack
folder, mark, script = sys.argv[1:]
with Stack(load(data_dir=folder), print) as stack:
    for name in ("one", "two"):
        stack.spawn(name, ["sh", "-c", script], {"MARK": mark}, grace_seconds=2)
    print("up", flush=True)
    time.sleep(600)
print("ended", flush=True)
"""
SLOW = "trap 'sleep 1; exit 0' TERM; while :; do sleep 0.05; done"


def test_a_second_ctrl_c_does_not_leave_anything(settings: Settings) -> None:
    mark = uuid.uuid4().hex
    stubborn = "trap '' TERM; while :; do sleep 0.05; done"
    with owner(OWNER, str(settings.data_path), mark, stubborn) as process:
        assert line_of(process) == "up"
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
        process.wait(60)
        assert running(mark) == []


def test_after_kill_9_the_folder_is_free_when_the_last_process_has_ended(
    settings: Settings,
) -> None:
    mark, told = uuid.uuid4().hex, list[str]()
    with owner(OWNER, str(settings.data_path), mark, SLOW) as process:
        assert line_of(process) == "up"
        time.sleep(0.2)
        assert len(running(mark)) >= 4
        process.kill()
        process.wait()
        with Stack(settings, told.append):
            assert running(mark) == [], "no two runs at once, not even the rest of a dead one"
    assert told == ["Waiting for the processes of a run that was killed to end."]
