"""What the ready files of the run's parts tell, and when it is news."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lakehouse.alerts import Subject
from lakehouse.checks.parts_watch import PartWatch, lives

JOB = "crypto_silver_trades"


class Part:
    """A ready file, with or without a living process behind it."""

    def __init__(self, folder: Path) -> None:
        self.file, log = folder / "spark.json", folder / "spark.log"
        log.write_text("26/11/21 WARN x\nerror: The disk is full. Free some.\n")
        self.watch = PartWatch("spark", self.file, log)
        self.dead: set[int] = set()

    def ready(self, pid: int, **state: Any) -> None:
        self.file.write_text(json.dumps({"pid": pid, "jobs": {JOB: state} if state else {}}))

    def look(self) -> list[Subject]:
        return self.watch.look(lambda pid: pid not in self.dead)


@pytest.fixture
def part(tmp_path: Path) -> Part:
    return Part(tmp_path)


def levels(subjects: list[Subject]) -> list[tuple[str, str, bool]]:
    return [(each.key, each.level, each.passing) for each in subjects]


def test_a_part_that_was_never_ready_is_no_news(part: Part) -> None:
    assert part.look() == []


def test_a_part_that_dies_is_told_with_its_last_words_until_it_is_back(part: Part) -> None:
    part.ready(7)
    assert levels(part.look()) == [("part:spark", "well", False)]
    part.dead.add(7)
    part.file.unlink()  # as the run does before it starts it again
    [dead] = part.look()
    assert (dead.level, dead.passing) == ("fail", False)
    assert "pid 7" in dead.reason and "The disk is full." in dead.reason
    part.ready(8)
    assert levels(part.look()) == [("part:spark", "well", False)]


def test_a_restart_between_two_looks_is_an_event(part: Part) -> None:
    part.ready(7)
    part.look()
    part.ready(8)
    assert levels(part.look()) == [("part:spark", "warn", True)]
    assert levels(part.look()) == [("part:spark", "well", False)]


def test_a_stream_that_fails_is_told_with_its_error(part: Part) -> None:
    part.ready(7, failing_since=None, restarts=2, last_error="old")
    assert levels(part.look())[1:] == [(f"stream:{JOB}", "well", False)], "that was before us"
    part.ready(7, failing_since=1.0, restarts=2, last_error="S3 is down")
    _, stream = part.look()
    assert stream.level == "fail" and "S3 is down" in stream.reason
    part.ready(7, failing_since=None, restarts=3, last_error="S3 is down")
    assert levels(part.look())[1:] == [(f"stream:{JOB}", "well", False)]


def test_a_stream_that_was_restarted_between_two_looks_is_an_event(part: Part) -> None:
    part.ready(7, failing_since=None, restarts=0, last_error=None)
    part.look()
    part.ready(7, failing_since=None, restarts=1, last_error="S3 is down")
    assert levels(part.look())[1:] == [
        (f"stream:{JOB}", "warn", True),
        (f"stream:{JOB}", "well", False),
    ]
    assert levels(part.look())[1:] == [(f"stream:{JOB}", "well", False)]


def test_a_file_that_says_nothing_changes_nothing(part: Part) -> None:
    part.ready(7)
    part.look()
    part.file.write_text("{")
    assert levels(part.look()) == [("part:spark", "well", False)]


def test_a_process_that_waits_to_be_reaped_is_dead() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert lives(process.pid)
    process.kill()
    while lives(process.pid):
        pass
    process.wait()
    assert not lives(process.pid)
