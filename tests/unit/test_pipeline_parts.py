"""Parts as real processes: started, watched, started again, given up, each for its reason."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lakehouse import settings
from lakehouse.errors import (
    FirehoseError,
    RejectLimitError,
    ResourceError,
    SettingsError,
    StackError,
    StreamError,
    UnreachableError,
)
from lakehouse.pipeline import preflight, restarts
from lakehouse.pipeline.parts import Part, Parts, Stopped, ask_to_drain
from lakehouse.stack.embedded import Stack

READY = (
    "import pathlib, os, json; "
    "pathlib.Path({path!r}).write_text(json.dumps({{'pid': os.getpid()}})); "
)
STAY = "import time; time.sleep(60)"


class Bench:
    """Parts in a folder of their own, and what they reported."""

    def __init__(self, stack: Stack) -> None:
        self.said: list[str] = []
        self.stop = threading.Event()
        self.parts = Parts(stack, stack.settings, self.said.append, self.stop)

    def start(self, script: str, ready: bool = False) -> Part:
        def command(path: Path) -> list[str]:
            first = READY.format(path=str(path)) if ready else ""
            return [sys.executable, "-c", first + script]

        return self.parts.start("part", command)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(restarts, "FIRST_SECONDS", 0.0)
    found = settings.load(_env_file=None, data_dir=tmp_path / "data")
    with Stack(found, lambda _: None, least_free_bytes=0) as stack:
        yield Bench(stack)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ended(part: Part) -> Part:
    assert part.process.wait(20)
    return part


def test_ready_is_what_the_part_wrote(bench: Bench) -> None:
    part = bench.start(STAY, ready=True)
    assert bench.parts.wait_ready(part, 20)["pid"] == part.process.pid
    bench.parts.revive(part)
    assert part.restarts.count == 0 and bench.said == []


def test_a_part_that_ends_before_it_is_ready_is_told_in_its_own_words(bench: Bench) -> None:
    part = bench.start("import sys; print('error: No room. Make some.'); sys.exit(4)")
    with pytest.raises(ResourceError) as caught:
        bench.parts.wait_ready(part, 20)
    assert caught.value.message == "The part failed. No room. Make some."
    assert str(part.process.log_path) in caught.value.hint


def test_a_part_that_is_too_slow_is_an_error(bench: Bench) -> None:
    with pytest.raises(StackError, match="was not ready within 0 s"):
        bench.parts.wait_ready(bench.start(STAY), 0.2)


def test_a_part_that_is_killed_while_it_starts_is_started_again(bench: Bench) -> None:
    part = bench.start("import time; time.sleep(0.5); " + STAY)
    os.kill(part.process.pid, signal.SIGKILL)
    part.command[-1] = READY.format(path=str(part.ready_file)) + STAY
    assert bench.parts.wait_ready(part, 20)["pid"] == part.process.pid
    assert bench.said == ["The part ended (code -9); it is started again."]


def test_waiting_ends_when_the_run_is_asked_to_stop(bench: Bench) -> None:
    bench.stop.set()
    with pytest.raises(Stopped):
        bench.parts.wait_ready(bench.start(STAY), 20)


@pytest.mark.parametrize("how", ["raise SystemExit(1)", "raise SystemExit(5)", "1/0"])
def test_a_part_that_keeps_ending_is_started_three_times_more(bench: Bench, how: str) -> None:
    part = ended(bench.start(how))
    for _ in range(3):
        bench.parts.revive(part)
        ended(part)
    assert part.restarts.count == len(bench.said) == 3
    with pytest.raises(StackError, match="The part failed"):
        bench.parts.revive(part)


def test_between_two_starts_there_is_a_growing_pause(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restarts, "FIRST_SECONDS", 10.0)
    part = ended(bench.start("1/0"))
    for count, pause in ((0, 10), (2, 40), (9, 60)):
        part.restarts.count, part.not_before = count, 0.0
        bench.parts.revive(part)
        assert part.not_before - time.monotonic() == pytest.approx(pause, abs=5)
        assert not part.process.alive
        assert bench.said[-1] == f"The part ended (code 1); it is started again in {pause} s."


def test_a_part_that_had_run_well_for_long_has_all_its_starts_again(bench: Bench) -> None:
    part = ended(bench.start("1/0"))
    part.restarts.count = part.restarts.fruitless = 3
    part.restarts.started_at = time.monotonic() - 3600
    bench.parts.revive(part)
    assert part.restarts.count == part.restarts.fruitless == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [(2, SettingsError), (4, ResourceError), (7, RejectLimitError), (8, StreamError)],
)
def test_what_a_new_start_would_only_repeat_is_told_at_once(
    bench: Bench, code: int, kind: type[FirehoseError]
) -> None:
    part = ended(bench.start(f"import sys; print('error: It is so.'); sys.exit({code})"))
    with pytest.raises(kind, match=r"The part failed\. It is so\."):
        bench.parts.revive(part)
    assert part.restarts.count == 0


def test_a_server_that_is_away_may_come_back(bench: Bench) -> None:
    part = ended(bench.start("import sys; print('error: Nobody there.'); sys.exit(5)"))
    bench.parts.revive(part)
    assert part.restarts.count == 1
    assert bench.said == ["The part ended (code 5); it is started again. Nobody there."]
    ended(part)
    assert isinstance(bench.parts.failure(part), UnreachableError)


def test_a_part_that_becomes_ready_each_time_is_never_given_up(bench: Bench) -> None:
    part = ended(bench.start("raise SystemExit(6)", ready=True))
    part.command[-1] = READY.format(path=str(part.ready_file)) + "raise SystemExit(6)"
    for _ in range(8):
        bench.parts.revive(part)
        ended(part)
    assert part.restarts.count == len(bench.said) == 8
    part.command[-1] = "raise SystemExit(6)"
    for _ in range(3):
        bench.parts.revive(part)
        ended(part)
    with pytest.raises(StackError, match="The part failed"):
        bench.parts.revive(part)  # three starts in a row that came to nothing


def test_one_that_had_worked_waits_for_its_server_as_long_as_it_takes(bench: Bench) -> None:
    part = ended(bench.start("pass", ready=True))
    part.command[-1] = "import sys; print('error: Nobody there.'); sys.exit(5)"
    for _ in range(8):
        bench.parts.revive(part)
        ended(part)
    assert part.restarts.count == len(bench.said) == 8


def test_a_crash_is_told_by_the_last_line_that_names_an_error(bench: Bench) -> None:
    part = ended(bench.start("import atexit; atexit.register(print, 'bye'); {}['key']"))
    assert "It ended with code 1: KeyError: 'key'" in bench.parts.failure(part).message


def test_the_ready_file_of_a_part_that_died_does_not_count(bench: Bench) -> None:
    part = bench.start("pass", ready=True)
    ended(part)
    part.command[-1] = STAY
    bench.parts.revive(part)
    assert part.process.alive and part.ready() is None


def test_each_process_is_asked_to_drain_once(bench: Bench, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    script = (
        "import signal, time; "
        f"signal.signal(signal.SIGUSR1, lambda *_: open({str(asked)!r}, 'a').write('x')); "
    )
    part = bench.start(STAY, ready=False)
    part.process.kill()
    part.command[-1] = script + READY.format(path=str(part.ready_file)) + STAY
    for times in ("x", "xx"):
        bench.parts.revive(part)
        bench.parts.wait_ready(part, 20)
        for _ in range(3):
            ask_to_drain(part)
        until(lambda times=times: asked.exists() and asked.read_text() == times)  # type: ignore[misc]
        part.process.kill()


def test_a_nearly_full_disk_ends_the_run(tmp_path: Path) -> None:
    found = settings.load(_env_file=None, data_dir=tmp_path)
    preflight.check_space(found)
    with pytest.raises(ResourceError, match="The disk is full, so the run ended"):
        preflight.check_space(found, least_bytes=1 << 60)


def test_a_data_folder_that_is_removed_ends_the_run(tmp_path: Path) -> None:
    found = settings.load(_env_file=None, data_dir=tmp_path / "gone")
    with pytest.raises(ResourceError, match="is gone, so the run ended"):
        preflight.check_space(found)
