"""The streams of a `firehose run` in the background, looked at by their status file."""

import json
import subprocess
from pathlib import Path
from typing import Any, cast

from tests.commands import wait_for

_SECONDS = 400.0


def status(data_dir: Path) -> dict[str, Any]:
    """What the Spark application of a run tells; empty before its streams run."""
    try:
        told = (data_dir / "run" / "spark.json").read_bytes()
        return cast(dict[str, Any], json.loads(told))
    except (OSError, ValueError):
        return {}


def until_taken(run: subprocess.Popen[str], data_dir: Path, job: str, rows: int) -> int:
    """Wait until a job has taken so many rows in; the pid of its application."""

    def taken() -> bool:
        assert run.poll() is None, f"ended too early:\n{run.communicate()[0]}"
        return bool(status(data_dir).get("jobs", {}).get(job, {}).get("rows_in", 0) >= rows)

    wait_for(taken, _SECONDS, f"{rows} rows in {job}")
    return int(status(data_dir)["pid"])


def ended_well(run: subprocess.Popen[str], seconds: float = 2 * _SECONDS) -> str:
    """Its output, when it has come to its end by itself."""
    output, _ = run.communicate(timeout=seconds)
    assert run.returncode == 0, output
    return output
