"""One run of maintenance: every step on every table, each on record, none in another's way."""

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from pyspark.sql import SparkSession

from lakehouse import tables
from lakehouse.maintenance import STEPS, TABLES
from lakehouse.settings import Settings
from spark_jobs import faults, session, sinks
from spark_jobs.audit import Counts
from spark_jobs.maintenance import compaction, plan
from spark_jobs.maintenance.figures import Figures, figures, query_ms
from spark_jobs.maintenance.steps import WORK, Task, is_begun
from spark_jobs.sinks import Batch, OnceAppender
from spark_jobs.stream import compile_plans

LEASE: Final = "maintenance"
POOL: Final = "maintenance"
_COMPACT: Final = "compact"
_MOST_ERROR: Final = 2000
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Done:
    """A step on a table: what it did, and what the table was and is. `error`: why it failed."""

    table: str
    step: str
    before: Figures
    after: Figures
    did: dict[str, Any]
    started_at: datetime
    finished_at: datetime
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        """For the command and for `details`."""
        found = {"table": self.table, "step": self.step, "did": self.did}
        found |= {"before": asdict(self.before), "after": asdict(self.after)}
        return found if self.error is None else {**found, "error": self.error}


@dataclass
class Run:
    """`stopped` is asked between steps. A dry run changes nothing and leaves no record."""

    spark: SparkSession
    settings: Settings
    tables: Sequence[str] = ()
    steps: Sequence[str] = STEPS
    dry_run: bool = False
    tell: Callable[[str], None] = lambda _: None
    stopped: Callable[[], bool] = lambda: False
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def run(self) -> list[Done]:
        """Maintain one table after the other; a step that fails is told, and the next begins."""
        done: list[Done] = []
        with session.of_this_thread(self.spark, POOL) as spark:
            spark.conf.set("spark.sql.iceberg.compression-level", compaction.LEVEL)
            try:
                for table in [each for each in TABLES if not self.tables or each in self.tables]:
                    if is_begun(spark, table):
                        done += self._table(spark, table)
            finally:
                if done and not self.dry_run:
                    record(spark, self.run_id, done)
        return done

    def _table(self, spark: SparkSession, table: str) -> Iterable[Done]:
        task = Task(spark, self.settings, table, self.dry_run, self.stopped)
        found = []
        for name in [each for each in STEPS if each in self.steps]:
            if self.stopped():
                break
            self.tell(f"{table}: {name}")
            found.append(_done(task, name))
        return found


def record(spark: SparkSession, run_id: str, done: Sequence[Done]) -> None:
    """A row of ops_audit for each step, all in one commit."""
    schema = spark.table(tables.full_name(tables.AUDIT)).schema
    rows = [_row(run_id, number, each, schema.names) for number, each in enumerate(done)]
    OnceAppender(tables.AUDIT).append(
        spark.createDataFrame(rows, schema).coalesce(1), Batch(f"maintain-{run_id}", 0)
    )


def _done(task: Task, name: str) -> Done:
    started, before = datetime.now(UTC), Figures()
    try:
        before = figures(task.spark, task.table)
        compile_plans(task.spark, before.rows)
        if name == _COMPACT:
            task, before = _crowded(task, before)
        at = sinks.snapshot_id(task.spark, task.table)
        did = WORK[name](replace(task, before=before))
        after = figures(task.spark, task.table)
        if at == sinks.snapshot_id(task.spark, task.table):
            after = replace(after, query_ms=before.query_ms, fullest_hour=before.fullest_hour)
        elif name == _COMPACT:
            _, after = _crowded(task, after, bool(task.crowded))
        return Done(task.table, name, before, after, did, started, datetime.now(UTC))
    except Exception as error:  # the next step, and the streams, are no worse for it
        why = faults.reason(faults.causes(error))[:_MOST_ERROR]
        log.warning("maintenance_step_failed", table=task.table, step=name, error=why)
        return Done(task.table, name, before, before, {}, started, datetime.now(UTC), why)


def _crowded(task: Task, found: Figures, timed: bool = False) -> tuple[Task, Figures]:
    """The hours to compact, and with them the figures that compaction is measured by."""
    files = compaction.files_by_hour(task.spark, task.table)
    crowded = compaction.crowded_hours(files)
    took = query_ms(task.spark, task.table) if crowded or timed else None
    found = replace(found, query_ms=took, fullest_hour=plan.fullest(files))
    return replace(task, crowded=crowded), found


def _row(run_id: str, number: int, done: Done, names: Sequence[str]) -> tuple[Any, ...]:
    counts = asdict(Counts())
    told = {
        **counts,
        "dq_pass": 0,
        "run_id": run_id,
        "job": f"maintain:{done.step}:{done.table}",
        "batch_id": number,
        "query_id": f"maintain-{run_id}",
        "started_at": done.started_at,
        "finished_at": done.finished_at,
        "status": "ok" if done.error is None else "failed",
        "error": done.error,
        "details": json.dumps(done.as_json()),
    }
    return tuple(told.get(name) for name in names)
