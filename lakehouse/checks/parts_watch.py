"""Whether the processes of the run, and the streams in them, live: from their ready files."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from lakehouse.alerts import Subject
from lakehouse.stack.log_file import tail, told_error

_LOG_LINES = 100
_DO = "`firehose run` starts it again; if that does not help, its log says why."


@dataclass
class PartWatch:
    """One part of the run: `ready_file` tells its pid, and for the streams how each one is."""

    name: str
    ready_file: Path
    log: Path
    _pid: int | None = None
    _dead: bool = False
    _restarts: dict[str, int] = field(default_factory=dict)
    _failing: set[str] = field(default_factory=set)

    def look(self, alive: Callable[[int], bool] | None = None) -> list[Subject]:
        """How the part and its streams are now; nothing until it was ready for the first time."""
        found = self._read()
        pid = int(found["pid"]) if found else self._pid
        if pid is None:
            return []
        subjects = [self._process(pid, (alive or lives)(pid))]
        for job, state in (found or {}).get("jobs", {}).items():
            subjects += self._stream(job, state)
        return subjects

    def _process(self, pid: int, alive: bool) -> Subject:
        key, title = f"part:{self.name}", f"The {self.name} process"
        if not alive:
            self._pid, self._dead = pid, True
            reason = f"It ended (pid {pid}). {self._last_words()}"
            return Subject(key, "fail", title, reason, _DO)
        if self._pid not in (None, pid) and not self._dead:
            # It died and came back between two looks.
            before, self._pid = self._pid, pid
            words = f"It was started again: pid {before} became {pid}."
            return Subject(key, "warn", title, words, _DO, passing=True)
        self._pid, self._dead = pid, False
        return Subject(key, "well", title)

    def _last_words(self) -> str:
        """The error that it told; killed from outside, it told none."""
        return told_error(tail(self.log, _LOG_LINES)) or "It told no error."

    def _stream(self, job: str, state: dict[str, Any]) -> list[Subject]:
        key, title = f"stream:{job}", f"The stream {job}"
        error = str(state.get("last_error") or "")
        restarts = int(state.get("restarts") or 0)
        before = self._restarts.get(job, restarts)
        self._restarts[job] = restarts
        if state.get("failing_since") is not None:
            self._failing.add(job)
            return [Subject(key, "fail", title, f"It failed and is started again: {error}", _DO)]
        well = Subject(key, "well", title)
        if restarts > before and job not in self._failing:
            reason = f"It failed and was started again: {error}"
            return [Subject(key, "warn", title, reason, _DO, passing=True), well]
        self._failing.discard(job)
        return [well]

    def _read(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads(self.ready_file.read_bytes())
            return found if "pid" in found else None
        except (OSError, ValueError):
            return None


def lives(pid: int) -> bool:
    """Whether a process of this pid runs; one that only waits to be reaped does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
