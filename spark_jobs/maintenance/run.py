"""One run of maintenance: every step on every table, each on record, none in another's way."""

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from pyspark.sql import SparkSession

from lakehouse import tables
from lakehouse.settings import Settings
from spark_jobs import faults, snapshots
from spark_jobs.audit import Counts
from spark_jobs.maintenance import compaction
from spark_jobs.maintenance.figures import Figures, figures
from spark_jobs.maintenance.steps import STEPS, Task, is_begun, tables_to_maintain
from spark_jobs.sinks import Batch, OnceAppender
from spark_jobs.stream import compile_plans

LEASE: Final = "maintenance"
POOL: Final = "maintenance"
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
    steps: Sequence[str] = tuple(STEPS)
    dry_run: bool = False
    tell: Callable[[str], None] = lambda _: None
    stopped: Callable[[], bool] = lambda: False
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def run(self) -> list[Done]:
        """Maintain one table after the other; a step that fails is told, and the next begins."""
        spark = session(self.spark)
        done: list[Done] = []
        with active(spark):
            try:
                for table in tables_to_maintain(list(self.tables)):
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


def session(spark: SparkSession) -> SparkSession:
    """A session of its own: settings of its own, and a place behind the streams."""
    own = spark.newSession()
    own.sparkContext.setLocalProperty("spark.scheduler.pool", POOL)
    own.conf.set("spark.sql.iceberg.compression-level", compaction.LEVEL)
    return own


@contextmanager
def active(spark: SparkSession) -> Iterator[None]:
    """`spark` is this thread's active session meanwhile, as Iceberg asks that one for catalogs.

    A thread that was begun in Python has none, and would know no catalog.
    """
    jvm: Any = spark.sparkContext._jvm
    sessions = SparkSession._get_j_spark_session_class(jvm)
    before = sessions.getActiveSession()
    sessions.setActiveSession(spark._jsparkSession)
    try:
        yield
    finally:
        if before.isDefined():
            sessions.setActiveSession(before.get())
        else:
            sessions.clearActiveSession()


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
        timed = name == "compact" and bool(compaction.crowded_hours(task.spark, task.table))
        before = figures(task.spark, task.table, timed)
        at = snapshots.current_id(snapshots.load(task.spark, task.table))
        did = STEPS[name](task)
        changed = at != snapshots.current_id(snapshots.load(task.spark, task.table))
        after = figures(task.spark, task.table, timed and changed and not task.dry_run)
        if after.query_ms is None:
            after = replace(after, query_ms=before.query_ms)
        return Done(task.table, name, before, after, did, started, datetime.now(UTC))
    except Exception as error:  # the next step, and the streams, are no worse for it
        why = faults.reason(faults.causes(error))[:_MOST_ERROR]
        log.warning("maintenance_step_failed", table=task.table, step=name, error=why)
        return Done(task.table, name, before, before, {}, started, datetime.now(UTC), why)


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
