"""Maintenance within the streams' application: a thread that runs it every MAINTAIN_SECONDS."""

import threading
import time
from contextlib import suppress
from typing import Final

import structlog

from lakehouse.errors import FirehoseError
from lakehouse.maintenance import STEPS
from spark_jobs import faults, lease
from spark_jobs.maintenance.metrics import TableFigures
from spark_jobs.maintenance.run import LEASE, Run
from spark_jobs.stream import Context

# Listing all files of a lake is dear on an object store, and orphans are rare.
_ORPHANS_SECONDS: Final = 86_400.0
_ORPHANS: Final = "orphans"
_COMPACT: Final = "compact"
_TAG: Final = "maintenance"
log = structlog.get_logger(__name__)


class Maintainer:
    """One for an application; what fails is told and tried again the next time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._orphans_at: float | None = None
        self._figures = TableFigures()
        context.registry.register(self._figures)

    def keep(self, stop: threading.Event) -> None:
        """Stay until `stop`; a run under way ends after its step."""
        seconds = self._context.settings.maintain_seconds
        while not stop.wait(seconds):
            try:
                self._run(stop)
            except FirehoseError as error:  # another one maintains this lake right now
                log.info("maintenance_left_out", reason=str(error))
            except Exception as error:  # never the streams' trouble
                if not stop.is_set():
                    log.warning("maintenance_failed", error=faults.reason(faults.causes(error)))

    def cut_short(self) -> None:
        """End the Spark jobs of a run under way; nothing of them was committed."""
        with suppress(Exception):  # Java may have ended
            self._context.spark.sparkContext.cancelJobsWithTag(_TAG)

    def _run(self, stop: threading.Event) -> None:
        context = self._context
        context.spark.sparkContext.addJobTag(_TAG)
        run = Run(
            context.spark, context.settings, steps=self._steps(), stopped=stop.is_set,
        )  # fmt: skip
        with lease.held(context.spark, context.settings, [LEASE], run.run_id, "maintenance"):
            done = run.run()
        compacted = [each for each in done if each.step == _COMPACT and each.error is None]
        self._figures.note((each.table, each.after) for each in compacted)
        if _ORPHANS in run.steps and not stop.is_set():
            self._orphans_at = time.monotonic()
        failed = sum(each.error is not None for each in done)
        log.info("maintained", run_id=run.run_id, steps=len(done), failed=failed)

    def _steps(self) -> list[str]:
        at = self._orphans_at
        due = at is None or time.monotonic() - at >= _ORPHANS_SECONDS
        return [each for each in STEPS if due or each != _ORPHANS]
