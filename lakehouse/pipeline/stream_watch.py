"""Tells people when a stream fails and is started again, and when it is well again."""

from collections.abc import Callable, Mapping
from typing import Any


class StreamWatch:
    """Fed with the streams' part of the status file; reports each trouble once, and its end."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._troubled: set[str] = set()

    def see(self, jobs: Mapping[str, Mapping[str, Any]]) -> None:
        """Take the newest `jobs` of the status file (docs/architecture.md#the-status-file)."""
        failing = {name for name, job in jobs.items() if job.get("failing_since") is not None}
        for name in sorted(failing - self._troubled):
            error = jobs[name].get("last_error")
            self._report(f"The stream {name} failed and is started again. {error}.")
        for name in sorted((self._troubled - failing) & set(jobs)):
            self._report(f"The stream {name} is well again.")
        # A new start of the application has told of nothing yet: not a sign of health.
        self._troubled = failing | (self._troubled - set(jobs))
