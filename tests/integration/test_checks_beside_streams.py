"""The checks beside running streams: no false alarm, and an alert when Spark is killed."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from lakehouse.checks.catalogue import all_checks
from tests.commands import firehose, nothing_left, query, start, wait_for
from tests.webhooks import Webhook, webhook

ROUNDS_SECONDS = 5
START_SECONDS = 900  # on a machine that others use as well
STATUSES = "SELECT job, status, error FROM ops_audit WHERE starts_with(job, 'check:')"


@contextmanager
def running(folder: Path, data: Path, hook: Webhook) -> Iterator["subprocess.Popen[str]"]:
    env = {
        "ALERT_WEBHOOK_URL": hook.url,
        "CHECK_SECONDS": str(ROUNDS_SECONDS),
        "FRESHNESS_SECONDS": "90",  # on a busy machine a layer may well be behind
    }
    words = ["run", "--simulate", "--rate", "80", "--fault", "duplicate:0.05"]
    process = start(folder, *words, "--data-dir", str(data), env=env)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
        assert nothing_left(data, 90)


def rounds(data: Path) -> list[dict[str, Any]]:
    """What the service's log says of its rounds."""
    log = data / "logs" / "checks.log"
    lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return [line for line in found if line["event"] == "checked"]


def spark_pid(data: Path) -> int:
    found = json.loads((data / "run" / "spark.json").read_text())
    return int(found["pid"])


def streams_run(data: Path) -> bool:
    """Whether Gold has counted something."""
    status = data / "run" / "spark.json"
    jobs = json.loads(status.read_text()).get("jobs", {}) if status.is_file() else {}
    return bool(jobs.get("crypto_gold_minute", {}).get("rows_in"))


@pytest.mark.timeout(3600)
def test_a_good_lake_is_left_in_peace_and_a_killed_spark_is_told(tmp_path: Path) -> None:
    data = tmp_path / "lake"
    with webhook() as hook, running(tmp_path, data, hook) as run:
        wait_for(lambda: streams_run(data), START_SECONDS, "the first rows of Gold")
        seen = len(rounds(data))
        wait_for(lambda: len(rounds(data)) >= seen + 4, 480, "four rounds beside the streams")
        assert hook.texts() == [], "no false alarm"
        on_demand(tmp_path, data)
        assert hook.texts() == []
        psutil.Process(pid := spark_pid(data)).kill()
        told = hook.wait_for_words("The spark process", 240)
        assert "failed" in told and f"pid {pid}" in told and hook.url not in told
        assert "is well again" in hook.wait_for_words("well again", START_SECONDS)
        assert run.poll() is None, "the run goes on"
        run.send_signal(signal.SIGINT)
        output, _ = run.communicate(timeout=400)
        assert run.returncode == 0, output
    log = (data / "logs" / "checks.log").read_text(encoding="utf-8")
    assert "SECRET" not in log and "Traceback" not in log
    assert_on_record(tmp_path, data)


def on_demand(folder: Path, data: Path) -> None:
    """A full look by a user beside the streams: every check runs and passes, again and again."""
    for _ in range(3):
        words = ["check", "--full", "--format", "json", "--no-record", "--data-dir", str(data)]
        done = firehose(folder, *words, env={"FRESHNESS_SECONDS": "90"})
        assert done.returncode == 0, done.stdout
        found = json.loads(done.stdout)
        assert found["not_run"] == []
        assert [each for each in found["checks"] if each["status"] != "ok"] == []
        assert len(found["checks"]) == len(all_checks())
        time.sleep(1)


def assert_on_record(folder: Path, data: Path) -> None:
    """Spark's rows and ours stand in one table; what failed in passing is told with its reason."""
    rows = query(folder, data, STATUSES)
    assert {row["job"] for row in rows} >= {
        check.job for check in all_checks() if not check.full_only and not check.of_freshness
    }
    assert all(row["error"] for row in rows if row["status"] != "ok")
    assert not [row for row in rows if row["status"] == "failed"]
