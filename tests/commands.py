"""Run `firehose` as a user does: a process of its own, in an empty folder, with a clean slate."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from lakehouse.settings import Settings

FIREHOSE = Path(sys.executable).with_name("firehose")
_OURS = {name.upper() for name in Settings.model_fields} - {"JARS_DIR", "N8N_DIR"}


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without any setting of the project."""
    clean = {name: value for name, value in os.environ.items() if name not in _OURS}
    return {**clean, "NO_COLOR": "1", "COLUMNS": "160", **(extra or {})}


def start(
    folder: Path,
    *words: str,
    env: Mapping[str, str] | None = None,
    under: Sequence[str] = (),
) -> subprocess.Popen[str]:
    """`firehose WORDS` in the background, as an argument of the command `under` where given.

    Both outputs are read from its stdout.
    """
    return subprocess.Popen(
        [*under, str(FIREHOSE), *words],
        cwd=folder,
        env=environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def firehose(
    folder: Path,
    *words: str,
    env: Mapping[str, str] | None = None,
    under: Sequence[str] = (),
    seconds: float = 300,
) -> subprocess.CompletedProcess[str]:
    """`firehose WORDS` to its end; stderr is part of stdout."""
    process = start(folder, *words, env=env, under=under)
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        raise AssertionError(f"firehose {words} took over {seconds} s:\n{output}") from None
    return subprocess.CompletedProcess(words, process.returncode, output, "")


def query(
    folder: Path, data_dir: Path, sql: str, env: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The rows of `firehose sql`, as its JSON gives them."""
    done = firehose(folder, "sql", sql, "--format", "json", "--data-dir", str(data_dir), env=env)
    assert done.returncode == 0, done.stdout
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def processes_of(data_dir: Path) -> list[psutil.Process]:
    """Every process that has the data folder in its command line, environment or open files."""
    found = []
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
            inside = str(data_dir) in words or process.environ().get("DATA_DIR") == str(data_dir)
        except psutil.Error:
            continue
        if inside and process.pid != os.getpid():
            found.append(process)
    return found


def nothing_left(data_dir: Path, seconds: float = 15) -> bool:
    """Whether every process of the data folder is gone within a time."""
    deadline = time.monotonic() + seconds
    while processes_of(data_dir) and time.monotonic() < deadline:
        time.sleep(0.2)
    return not processes_of(data_dir)


def wait_for(condition: Any, seconds: float, what: str) -> None:
    """Poll until `condition()` is true; fails naming `what`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.3)
    raise AssertionError(f"waited {seconds} s for {what}")
