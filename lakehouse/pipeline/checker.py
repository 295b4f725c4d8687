"""The part that checks the lake beside the streams: kept going, and never a reason to end a run."""

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from lakehouse.errors import FirehoseError
from lakehouse.pipeline.parts import Part, Parts
from lakehouse.settings import Settings

NAME = "checks"
_FIRST_PAUSE_SECONDS = 5.0
_MOST_PAUSE_SECONDS = 600.0
_STOP_SECONDS = 8.0


class Checker:
    """Runs `lakehouse.checks.service` beside the parts that it watches; CHECK_SECONDS=0: nothing.

    Where it ends it is started again, each time after a longer pause.
    """

    def __init__(
        self,
        parts: Parts,
        settings: Settings,
        watched: Sequence[Part],
        report: Callable[[str], None],
    ) -> None:
        self._wanted = settings.check_seconds > 0
        self._parts = parts
        self._command = partial(_command, watched)
        self._report = report
        self._part: Part | None = None
        self._pause = _FIRST_PAUSE_SECONDS
        self._not_before = 0.0

    def tend(self) -> None:
        """Start it, at first or again; called every moment."""
        if not self._wanted or (self._part is not None and self._part.process.alive):
            return
        if self._part is not None:
            code = self._part.process.returncode
            self._report(
                f"The checks ended (code {code}); they start again in {self._pause:.0f} s."
            )
            self._part = None
            self._not_before = time.monotonic() + self._pause
            self._pause = min(self._pause * 2, _MOST_PAUSE_SECONDS)
        elif time.monotonic() >= self._not_before:
            self._start()

    def stop(self) -> None:
        """End it, for good; before the parts that it watches, whose end is no news then."""
        self._wanted = False
        if self._part is not None:
            self._part.process.stop(_STOP_SECONDS)

    def _start(self) -> None:
        try:
            self._part = self._parts.start(NAME, self._command)
        except FirehoseError as error:
            self._report(f"The checks could not be started: {error}")
            self._not_before = time.monotonic() + _MOST_PAUSE_SECONDS


def _command(watched: Sequence[Part], _ready_file: Path) -> list[str]:
    words = [sys.executable, "-m", "lakehouse.checks.service"]
    for part in watched:
        words += ["--part", f"{part.name}={part.ready_file}"]
    return words
