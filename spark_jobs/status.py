"""How the streams of this start are doing, in a small file that `firehose run` shows live."""

import json
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_ADDED = ("rows_in", "rows_out", "rows_duplicate", "rows_late", "dq_fail")


@dataclass
class StatusFile:
    """Totals and the last batch of each job; written whole each time, so a reader sees no half."""

    path: Path | None
    _jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self) -> None:
        """Tell that the streams have started, and what they have done since."""
        if self.path is None:
            return
        with self._lock:
            text = json.dumps({"pid": os.getpid(), "jobs": self._jobs})
            scratch = self.path.with_suffix(".new")
            scratch.write_text(text, encoding="utf-8")
            scratch.replace(self.path)

    def add(self, job: str, row: dict[str, Any]) -> None:
        """Count one audit row of a job."""
        totals = self._jobs.setdefault(job, dict.fromkeys(_ADDED, 0))
        for name in _ADDED:
            totals[name] += row[name]
        totals["batch_id"] = row["batch_id"]
        totals["max_lag_ms"] = row["max_lag_ms"]
        totals["finished_at"] = row["finished_at"].timestamp()
        self.write()
