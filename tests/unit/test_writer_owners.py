"""Who may write, decided from records, clocks and processes."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from spark_jobs.owners import Owner, Sight, Verdict, judge, outranks
from spark_jobs.processes import lives, myself

LEASE = 30.0
ME = Owner("mine", "the streams", "here", "boot-1", 10, 1000.0, 5000.0)
OTHER = replace(ME, run_id="other", pid=11, since=4000.0)
ELSEWHERE = replace(OTHER, host="there", place="boot-2")
NEVER_SEEN = Sight(None, 0.0, False)


def dead(_pid: int, _started: float) -> bool:
    return False


def alive(_pid: int, _started: float) -> bool:
    return True


@pytest.mark.parametrize(
    ("owner", "sight", "process", "verdict"),
    [
        (None, NEVER_SEEN, alive, Verdict.FREE),
        (replace(OTHER, run_id="mine"), NEVER_SEEN, alive, Verdict.FREE),
        # On this machine: its process says it at once.
        (OTHER, Sight(1, 0, False), dead, Verdict.FREE),
        (OTHER, Sight(1, 0, False), alive, Verdict.HELD),
        (OTHER, Sight(LEASE, 0, False), alive, Verdict.HELD),
        # Frozen: its lease is over by the clock, and stays over while it is watched.
        (OTHER, Sight(LEASE + 1, 0, False), alive, Verdict.UNSURE),
        (OTHER, Sight(LEASE + 9, LEASE / 2, False), alive, Verdict.FREE),
        (OTHER, Sight(LEASE + 9, LEASE / 2, True), alive, Verdict.HELD),
        # A clock that was set back says nothing, nor does an owner that gave no sign yet.
        (OTHER, Sight(-3600, 0, False), alive, Verdict.UNSURE),
        (OTHER, NEVER_SEEN, alive, Verdict.UNSURE),
        # Elsewhere: no clock and no process is believed, only what is seen.
        (ELSEWHERE, Sight(1, 0, False), dead, Verdict.UNSURE),
        (ELSEWHERE, Sight(99_999, LEASE - 1, False), dead, Verdict.UNSURE),
        (ELSEWHERE, Sight(1, LEASE, False), dead, Verdict.FREE),
        (ELSEWHERE, Sight(1, 10, True), dead, Verdict.HELD),
    ],
)
def test_who_may_take_a_place(
    owner: Owner | None, sight: Sight, process: Callable[[int, float], bool], verdict: Verdict
) -> None:
    assert judge(owner, sight, ME, LEASE, process) is verdict


def test_a_living_owner_that_beats_in_time_is_never_replaced() -> None:
    """Whatever its clock says: it is seen to move within a third of a lease."""
    for owner in (OTHER, ELSEWHERE):
        for age in (None, -1e9, 0.0, 1e9):
            patience = LEASE / 3
            assert judge(owner, Sight(age, patience, False), ME, LEASE, alive) is not Verdict.FREE


def test_of_two_that_came_together_exactly_one_keeps_the_place() -> None:
    same_moment = replace(OTHER, since=ME.since)
    for one, other in ((ME, OTHER), (ME, same_moment)):
        assert outranks(one, other) != outranks(other, one)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '"x"', OTHER.text().replace("11", '"x"'), OTHER.text()[:-5]]
)
def test_a_record_of_somebody_else_is_no_owner(text: str) -> None:
    assert Owner.read(text) is None


def test_a_record_is_read_as_it_was_written() -> None:
    assert Owner.read(OTHER.text()) == OTHER
    newer = OTHER.text().replace("{", '{"more": 1, ', 1)
    assert Owner.read(newer) == OTHER


def test_a_process_is_known_by_its_pid_and_its_start() -> None:
    me = myself("run", "the streams")
    assert lives(me.pid, me.started)
    assert not lives(me.pid, me.started - 100), "another process that had the pid before"
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    started = time.time()
    while child.poll() is None:
        time.sleep(0.01)
    assert not lives(child.pid, started)


def test_a_zombie_does_not_live() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    started = time.time()
    deadline = time.monotonic() + 10
    while lives(child.pid, started) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert child.returncode is None, "nobody has waited for it"
    assert not lives(child.pid, started)
    child.wait()
