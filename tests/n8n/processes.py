"""`firehose n8n` and `firehose api` as processes that tell in a line of JSON when they are up."""

import contextlib
import json
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from lakehouse.stack.ports import free_ports
from tests.commands import FIREHOSE, environment

# n8n needs 20 to 30 s; on a busy machine several times as long.
PATIENCE_SECONDS = 240
END_SECONDS = 60


class Told:
    """A process of ours, and what it told in its first line."""

    def __init__(self, process: subprocess.Popen[str], told: dict[str, Any]) -> None:
        self.process = process
        self.told = told

    @property
    def url(self) -> str:
        return str(self.told["url"])

    def kill_all(self) -> None:
        """kill -9 to the process and to all that it started, as a power cut does."""
        own = psutil.Process(self.process.pid)
        for each in [*own.children(recursive=True), own]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        self.process.wait()


def start(folder: Path, *words: str, env: Mapping[str, str]) -> Told:
    """`firehose WORDS` once it is up; its stderr goes to `<folder>/stderr.log`."""
    with (folder / "stderr.log").open("a") as errors:
        process = subprocess.Popen(
            [str(FIREHOSE), *words],
            cwd=folder,
            env=environment(env),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        code = process.wait(END_SECONDS)
        raise AssertionError(f"{words} ended with {code}: {(folder / 'stderr.log').read_text()}")
    return Told(process, json.loads(line))


def stop(running: Told) -> None:
    """SIGTERM, and a clean end."""
    running.process.send_signal(signal.SIGTERM)
    try:
        assert running.process.wait(END_SECONDS) == 0
    finally:
        running.process.kill()
        running.process.wait()


@contextlib.contextmanager
def running(folder: Path, *words: str, env: Mapping[str, str]) -> Iterator[Told]:
    """From up to a clean end; killed where the test fails."""
    found = start(folder, *words, env=env)
    try:
        yield found
        if found.process.poll() is None:
            stop(found)
    finally:
        found.process.kill()
        found.process.wait()


def start_n8n(folder: Path, env: Mapping[str, str], port: int | None = None) -> Told:
    """n8n with its data in `folder`."""
    return start(folder, *n8n_words(folder, port), env=env)


def n8n_words(folder: Path, port: int | None = None) -> tuple[str, ...]:
    chosen = port or free_ports(1)[0]
    return ("n8n", "--data-dir", str(folder), "--port", str(chosen))


def copy_seed(seed: Path, folder: Path) -> None:
    """n8n's state with the workflows in it, published: seeding takes a minute, this none."""
    shutil.copytree(seed, folder / "n8n", ignore=shutil.ignore_patterns(".lock"))


def line_of(found: Told) -> bytes:
    """What the ready file holds: the line on stdout."""
    return json.dumps(found.told, separators=(",", ":")).encode()
