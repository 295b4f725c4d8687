"""The processes of the main job: started in order, started again when one dies, drained."""

import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from lakehouse.errors import FirehoseError, StackError, kind_of
from lakehouse.pipeline import preflight
from lakehouse.pipeline.restarts import Restarts
from lakehouse.settings import Settings
from lakehouse.stack.embedded import Stack
from lakehouse.stack.log_file import telling_line, told_error
from lakehouse.stack.process import ManagedProcess

_LOG_LINES = 200
# A pause up to this is not worth a word.
_SOON_SECONDS = 2.0


class Stopped(Exception):
    """The run was asked to stop while it waited for a part."""


@dataclass
class Part:
    """One process, and how to start it again."""

    name: str
    command: list[str]
    ready_file: Path
    process: ManagedProcess
    more: Mapping[str, str] = field(default_factory=dict)
    restarts: Restarts = field(default_factory=lambda: Restarts(time.monotonic()))
    not_before: float = 0.0
    draining: int | None = None

    def ready(self) -> dict[str, Any] | None:
        """What the process wrote when it was ready; None until then."""
        try:
            found: dict[str, Any] = json.loads(self.ready_file.read_text(encoding="utf-8"))
            return found
        except (OSError, ValueError):
            return None


class Parts:
    """Starts and watches parts within a stack, until `stop` is set."""

    def __init__(
        self,
        stack: Stack,
        settings: Settings,
        report: Callable[[str], None],
        stop: threading.Event,
    ) -> None:
        self._stack = stack
        self._settings = settings
        self._report = report
        self._stop = stop
        self._folder = settings.data_path / "run"
        self._folder.mkdir(parents=True, exist_ok=True)

    def start(
        self,
        name: str,
        command: Callable[[Path], list[str]],
        more: Mapping[str, str] | None = None,
    ) -> Part:
        """Start a part; `command` gets the path of its ready file, `more` goes before settings."""
        ready_file = self._folder / f"{name}.json"
        ready_file.unlink(missing_ok=True)
        words = command(ready_file)
        more = dict(more or {})
        return Part(name, words, ready_file, self._spawn(name, words, more), more)

    def wait_ready(self, part: Part, seconds: float) -> dict[str, Any]:
        """What the part wrote when ready; its error where it ended, StackError if it is too slow.

        Raises Stopped where the run is asked to stop meanwhile.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._stack.revive_kafka()
            if (code := part.process.returncode) is not None:
                if code >= 0:
                    raise self.failure(part)
                self.revive(part)  # killed from outside, which says nothing against it
            if (found := part.ready()) is not None:
                return found
            if self._stop.wait(0.1):
                raise Stopped
        raise StackError(
            f"The {part.name} was not ready within {seconds:.0f} s.",
            f"Its log is {part.process.log_path}.",
        )

    def wait_until(self, well: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until `well()`; StackError where that is too slow, Stopped where asked to stop."""
        deadline = time.monotonic() + seconds
        while not well():
            if self._stop.wait(0.2):
                raise Stopped
            if time.monotonic() > deadline:
                raise StackError(f"{what} was not well within {seconds:.0f} s.", "See its log.")

    def tend(self, *parts: Part) -> None:
        """What a watched run does every moment: look at the disk, the broker and these parts."""
        preflight.check_space(self._settings)
        self._stack.revive_kafka()
        for part in parts:
            self.revive(part)

    def revive(self, part: Part) -> None:
        """Start a part again that died; its error where that can't help or didn't."""
        if part.process.alive:
            return
        if not part.not_before:
            self._give_up_or_wait(part)
        if time.monotonic() >= part.not_before:
            part.not_before = 0.0
            part.ready_file.unlink(missing_ok=True)
            part.process = self._spawn(part.name, part.command, part.more)
            part.restarts.started(time.monotonic())

    def failure(self, part: Part) -> FirehoseError:
        """The error of a part that ended: its own last words, of its own kind, where it had any."""
        told = self._last_words(part)
        kind = kind_of(part.process.returncode) if told else StackError
        words = told or self._how_it_ended(part)
        return kind(f"The {part.name} failed. {words}", f"Log: {part.process.log_path}")

    def _give_up_or_wait(self, part: Part) -> None:
        now, code = time.monotonic(), part.process.returncode
        pause = part.restarts.ended(now, kind_of(code), ready=part.ready() is not None)
        if pause is None:
            raise self.failure(part)
        part.not_before = now + pause
        told = self._last_words(part)
        why = f" {told}" if told else ""
        when = f" in {pause:.0f} s" if pause > _SOON_SECONDS else ""
        self._report(f"The {part.name} ended (code {code}); it is started again{when}.{why}")

    def _last_words(self, part: Part) -> str:
        """The error that it told, in its own words; empty where it told none."""
        return told_error(part.process.log_tail(_LOG_LINES))

    def _how_it_ended(self, part: Part) -> str:
        line = telling_line(part.process.log_tail(_LOG_LINES))
        return f"It ended with code {part.process.returncode}: {line}"

    def _spawn(self, name: str, words: list[str], more: Mapping[str, str]) -> ManagedProcess:
        return self._stack.spawn(name, words, {**self._settings.as_env(), **more})


def producer_command(symbols_file: Path | None, ready_file: Path) -> list[str]:
    """`python -m producer`; `symbols_file` keeps what `firehose symbols` changes."""
    words = [sys.executable, "-m", "producer", "--ready-file", str(ready_file)]
    return words + (["--symbols-file", str(symbols_file)] if symbols_file else [])


def spark_command(ready_file: Path) -> list[str]:
    """`python -m spark_jobs run`."""
    return [sys.executable, "-m", "spark_jobs", "run", "--status-file", str(ready_file)]


def ask_to_drain(part: Part) -> None:
    """Let the Spark application finish what its sources hold, then end; asked once a process."""
    found = part.ready()
    if found is None or found["pid"] == part.draining or not psutil.pid_exists(found["pid"]):
        return
    # A second signal would meet an interpreter that is shutting down and has no handler left.
    part.draining = found["pid"]
    with suppress(psutil.NoSuchProcess):  # it has ended meanwhile, and is started again
        psutil.Process(found["pid"]).send_signal(signal.SIGUSR1)
