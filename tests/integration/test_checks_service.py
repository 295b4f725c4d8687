"""The checks' service as a process: rounds, alerts, restarts of it and of what it watches."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lakehouse.pipeline import checker
from lakehouse.pipeline.checker import Checker
from lakehouse.pipeline.parts import Parts
from lakehouse.settings import Settings
from lakehouse.stack.embedded import Stack
from lakehouse.tables import GAP
from tests.checked_lake import CheckedLake, good_rows
from tests.commands import environment, wait_for
from tests.webhooks import Webhook, webhook

WRONG = "ops_gap: gap_range_right"


@pytest.fixture
def lake(tmp_path: Path) -> CheckedLake:
    """A lake of gaps alone, all of them right."""
    found = CheckedLake(tmp_path / "lake")
    found.hold({GAP: good_rows()[GAP][:2]})
    return found


def break_range(lake: CheckedLake) -> None:
    wrong = {**good_rows()[GAP][0], "from_id": 99, "updated_at": datetime.now(UTC)}
    lake.hold({GAP: [*good_rows()[GAP][:2], wrong]})


@contextmanager
def service(
    lake: CheckedLake, url: str, *words: str, nice: int = 0
) -> Iterator["subprocess.Popen[bytes]"]:
    """The service with a round every second; its log is checks.log in the lake's folder."""
    env = {"DATA_DIR": str(lake.settings.data_path), "ALERT_WEBHOOK_URL": url}
    env |= {"CHECK_SECONDS": "1", "FRESHNESS_SECONDS": "86400"}
    with log_of(lake).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "lakehouse.checks.service", "--nice", str(nice), *words],
            env=environment(env), stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def log_of(lake: CheckedLake) -> Path:
    return lake.settings.data_path / "checks.log"


def rounds(lake: CheckedLake) -> int:
    return log_of(lake).read_text(encoding="utf-8").count('"event": "checked"')


def another_round(lake: CheckedLake) -> None:
    seen = rounds(lake)
    wait_for(lambda: rounds(lake) > seen + 1, 240, "a round")


def end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def tellings(hook: Webhook) -> list[str]:
    """The headlines of what was told about the wrong gap."""
    return [body["text"].split(":")[1].strip() for body in hook.taken if WRONG in str(body)]


def test_a_turn_is_told_once_over_restarts_and_its_end_too(lake: CheckedLake) -> None:
    with webhook([(503, {})]) as hook:
        with service(lake, hook.url) as process:
            another_round(lake)
            break_range(lake)
            told = hook.wait_for_words(WRONG, 240)
            assert "from_id=99, to_id=12" in told and "What to do: " in told
            another_round(lake)
            end(process)
        with service(lake, hook.url) as process:
            another_round(lake)
            assert tellings(hook) == ["1 failed"], "a restart tells nothing again"
            lake.hold({GAP: good_rows()[GAP][:2]})
            hook.wait_for_words("well again", 240)
            end(process)
    log = log_of(lake).read_text(encoding="utf-8")
    assert "SECRET" not in log and "Traceback" not in log


def test_a_lake_that_goes_away_and_comes_back_is_waited_for(lake: CheckedLake) -> None:
    there = lake.settings.catalog_db
    with webhook() as hook, service(lake, hook.url) as process:
        another_round(lake)
        there.rename(there.with_suffix(".away"))
        wait_for(lambda: "could not look" in log_of(lake).read_text(), 240, "the miss in the log")
        there.with_suffix(".away").rename(there)
        another_round(lake)
        break_range(lake)
        hook.wait_for_words(WRONG, 240)
        end(process)


def test_a_part_that_dies_as_the_run_ends_is_still_told(lake: CheckedLake) -> None:
    ready = lake.settings.data_path / "spark.json"
    part = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    ready.write_text(json.dumps({"pid": part.pid, "jobs": {}}))
    part_words = ("--part", f"spark={ready}")
    with webhook() as hook, service(lake, hook.url, *part_words, nice=1) as process:
        another_round(lake)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == 1
        part.kill()
        part.wait()
        end(process)
        assert "The spark process" in hook.texts()[-1]


def test_the_end_of_the_checks_does_not_end_the_run(
    lake: CheckedLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checker, "_FIRST_PAUSE_SECONDS", 0.1)
    said: list[str] = []
    found = lake.settings
    with Stack(found, said.append, least_free_bytes=0) as stack:
        parts = Parts(stack, found, said.append, threading.Event())
        checks = Checker(parts, found, [], said.append)
        checks.tend()
        first = pid_of(checks)
        os.kill(first, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while pid_of(checks) in (first, -1) and time.monotonic() < deadline:
            checks.tend()
            time.sleep(0.1)
        assert pid_of(checks) not in (first, -1)
        checks.stop()
        checks.tend()
        assert checks._part is not None and not checks._part.process.alive, "ended for good"
    assert said == ["The checks ended (code -9); they start again in 0 s."]


def pid_of(checks: Checker) -> int:
    return checks._part.process.pid if checks._part else -1


def test_no_checks_are_started_where_none_are_wanted(lake: CheckedLake) -> None:
    never: Settings = lake.settings.model_copy(update={"check_seconds": 0.0})
    with Stack(never, print, least_free_bytes=0) as stack:
        checks = Checker(Parts(stack, never, print, threading.Event()), never, [], print)
        checks.tend()
        assert checks._part is None
        checks.stop()
