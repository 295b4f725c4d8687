"""`firehose api` as a process of its own, for the tests that ask it from outside."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 60
Environment = Mapping[str, str]


@contextmanager
def running(
    folder: Path, more: Environment, *words: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and the address that it tells on stdout; it ends by SIGTERM with code 0."""
    firehose = str(Path(sys.executable).with_name("firehose"))
    process = subprocess.Popen(
        [firehose, "api", "--data-dir", str(folder), *words],
        env={**os.environ, "API_PORT": "0", **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["pid"] == process.pid
        yield process, told["url"]
        process.send_signal(signal.SIGTERM)
        rest, log = process.communicate(timeout=PATIENCE_SECONDS)
        assert (process.returncode, rest) == (0, "")
        assert "Traceback" not in log
        assert more.get("API_KEY", "Traceback") not in log
    finally:
        process.kill()
        process.wait()


def until(look: Callable[[], Any]) -> Any:
    """What `look` gives once it gives something; AssertionError where it never does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come")
