"""How the streams of this start are doing, in a small file that `firehose run` shows live.

docs/architecture.md#the-status-file says what each field means.
"""

import copy
import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_ADDED = ("rows_in", "rows_out", "rows_duplicate", "rows_late", "dq_fail")
_COUNTED = ("batches", "failures", "restarts")
_UNKNOWN = ("batch_id", "max_lag_ms", "finished_at", "failing_since", "last_error")


@dataclass
class StatusFile:
    """Totals, the last batch and the faults of each job.

    Nothing is written before `open`, so that the file says the streams have started. It is
    written whole each time, so that a reader sees no half.
    """

    path: Path | None
    _jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    _spikes: dict[str, int] | None = None
    _more: dict[str, int] = field(default_factory=dict)
    _open: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self) -> None:
        """Tell that the streams have started, and what they have done since."""
        with self._lock:
            self._open = True
            self._write()

    def metrics_on(self, port: int) -> None:
        """The port that the metrics are on; told with the next writing."""
        self._more["metrics_port"] = port

    def jobs(self) -> dict[str, dict[str, Any]]:
        """Each job's entry as it is now, a copy."""
        with self._lock:
            return copy.deepcopy(self._jobs)

    def spike_counts(self) -> dict[str, int] | None:
        """What `spikes` was told last; None before."""
        return self._spikes

    def add(self, job: str, row: dict[str, Any]) -> None:
        """Count the audit row of a finished batch; the job is well again."""
        with self._lock:
            found = self._job(job)
            for name in _ADDED:
                found[name] += row[name]
            found["batches"] += 1
            found["batch_id"] = row["batch_id"]
            found["max_lag_ms"] = row["max_lag_ms"]
            found["finished_at"] = row["finished_at"].timestamp()
            found["failing_since"] = None
            self._write()

    def spikes(self, counts: dict[str, int]) -> None:
        """How many events of the outbox have which status."""
        with self._lock:
            self._spikes = counts
            self._write()

    def failed(self, job: str, error: str) -> None:
        """The job's stream ended with this error and is going to be started again."""
        with self._lock:
            found = self._job(job)
            found["failing_since"] = found["failing_since"] or time.time()
            found["last_error"] = error
            found["failures"] += 1
            self._write()

    def restarted(self, job: str) -> None:
        """The job's stream was started once more."""
        with self._lock:
            self._job(job)["restarts"] += 1
            self._write()

    def well(self, job: str) -> None:
        """The job's stream runs without a fault, though it had no batch to do."""
        with self._lock:
            found = self._job(job)
            if found["failing_since"] is not None:
                found["failing_since"] = None
                self._write()

    def _job(self, job: str) -> dict[str, Any]:
        fresh = {**dict.fromkeys((*_ADDED, *_COUNTED), 0), **dict.fromkeys(_UNKNOWN)}
        return self._jobs.setdefault(job, fresh)

    def _write(self) -> None:
        if self.path is None or not self._open:
            return
        told = {"pid": os.getpid(), "written_at": time.time(), **self._more, "jobs": self._jobs}
        text = json.dumps(told if self._spikes is None else {**told, "spikes": self._spikes})
        scratch = self.path.with_suffix(".new")
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(self.path)
