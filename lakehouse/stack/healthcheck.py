"""Is a part of ours well? What containers ask themselves; exit code 0 or 1, and why on stdout.

`python -m lakehouse.stack.healthcheck http URL`: the URL answers with success.
`… status FILE`: the streams of that status file have started, and none is failing for long.
`… fresh FILE SECONDS`: the file was written within that time.
"""

import json
import sys
import time
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.request import ProxyHandler, build_opener

_HTTP_SECONDS: Final = 5.0
# A stream that fails is started again within a minute; one that takes longer needs somebody.
_MOST_FAILING_SECONDS: Final = 120.0
_USAGE: Final = "Usage: http URL | status FILE | fresh FILE SECONDS"


def http(url: str) -> str:
    """What is wrong with `url`; empty where it answers with success. Never asks a proxy."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=_HTTP_SECONDS):
            return ""
    except (OSError, ValueError, HTTPException) as error:
        return f"{url}: {error}"


def status(path: Path, now: float) -> str:
    """What is wrong with the streams of docs/architecture.md#the-status-file; `now`: Unix s."""
    try:
        jobs = json.loads(path.read_bytes())["jobs"]
        ill = [name for name, job in jobs.items() if _fails_for_long(job, now)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{path} tells nothing: {error!r}"
    return f"failing: {', '.join(sorted(ill))}" if ill else ""


def fresh(path: Path, seconds: float, now: float) -> str:
    """What is wrong with the age of a file; empty where it was written within `seconds`."""
    try:
        age = now - path.stat().st_mtime
    except OSError as error:
        return f"{path}: {error.strerror}"
    return f"{path} is {age:.0f} s old" if age > seconds else ""


def main(words: Sequence[str]) -> int:
    """The exit code for a container: 0 well, 1 ill, 2 asked wrongly."""
    match words:
        case ["http", url]:
            wrong = http(url)
        case ["status", path]:
            wrong = status(Path(path), time.time())
        case ["fresh", path, seconds] if seconds.isdecimal():
            wrong = fresh(Path(path), float(seconds), time.time())
        case _:
            print(_USAGE)
            return 2
    print(wrong or "well")
    return 1 if wrong else 0


def _fails_for_long(job: dict[str, float | None], now: float) -> bool:
    since = job.get("failing_since")
    return since is not None and now - since > _MOST_FAILING_SECONDS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
