"""Records of quarantine back through the rules: `firehose quarantine release`.

First Silver, then the mark: whoever is killed between the two leaves records that are in Silver
and not marked. The same command again finds them known there, marks them, and writes the audit
row that is missing: its counts stand in Silver's commit.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from lakehouse.child import tell
from lakehouse.quarantine import SPARK_MARK, Released, Selection
from lakehouse.settings import Settings
from spark_jobs import lease, quality, rejects, release_writes, sources
from spark_jobs.audit import Auditor, Counts
from spark_jobs.release_writes import NAME
from spark_jobs.status import StatusFile
from spark_jobs.stream import compile_plans
from spark_jobs.transforms import release as transform
from spark_jobs.transforms import silver


@dataclass(frozen=True)
class Work:
    """What was chosen, judged by today's rules. `judged` is a checkpoint: it stays as it is."""

    judged: DataFrame
    trades: DataFrame
    selected: int
    of_gaps: int
    counts: Counts
    by_rule: Mapping[str, int]

    def outcome(self, fresh: int, done: bool) -> Released:
        """In the words of the command; `fresh` of the valid ones are new in Silver."""
        failing = self.counts.dq_fail
        return Released(
            done=done,
            selected=self.selected,
            judged=self.counts.rows_in,
            fresh=fresh,
            known=self.counts.rows_in - failing - fresh,
            failing=failing,
            failing_by_rule=dict(self.by_rule),
            of_gaps=self.of_gaps,
        )


def run(spark: SparkSession, settings: Settings, chosen: Selection, really: bool) -> Released:
    """Release what is chosen, or only tell what would become of it."""
    compile_plans(spark, 0)
    if not really:
        work = _judged(spark, settings, chosen)
        return work.outcome(release_writes.fresh(spark, work.trades).count(), done=False)
    run_id = uuid.uuid4().hex
    # Two at once would do no harm to Silver, but each would mend the other's audit.
    with lease.held(spark, settings, [NAME], run_id, "firehose quarantine release"):
        release_writes.settle(spark)
        return _carried_out(spark, run_id, _judged(spark, settings, chosen))


def _carried_out(spark: SparkSession, run_id: str, work: Work) -> Released:
    if not work.counts.rows_in:
        return work.outcome(0, done=True)
    batch = release_writes.batch_of(run_id)
    with Auditor(run_id, NAME, StatusFile(None)).watching(spark, batch) as record:
        fresh = release_writes.into_silver(work.trades, batch, work.counts)
        release_writes.mark(transform.changes(work.judged, datetime.now(UTC)))
        record.counts = release_writes.with_fresh(work.counts, fresh)
    return work.outcome(fresh, done=True)


def _judged(spark: SparkSession, settings: Settings, chosen: Selection) -> Work:
    """Read what is chosen and judge it; nothing is written."""
    tell("Quarantine is read")
    held = _held(spark, chosen)
    gap = transform.of_gaps(settings.kafka_gap_topic)
    [size] = held.agg(F.count("*").alias("all"), F.count_if(gap).alias("gaps")).collect()
    compile_plans(spark, size["all"])
    rules = quality.rules(settings)
    judged = transform.judged_again(held.where(~gap), rules).localCheckpoint()
    trades = silver.silver_rows(judged.where(silver.passes())).localCheckpoint()
    counts = _counts(spark, settings, judged)
    by_rule = rejects.by_rule(judged)
    return Work(judged, trades, size["all"], size["gaps"], counts, by_rule)


def _held(spark: SparkSession, chosen: Selection) -> DataFrame:
    text, values = chosen.model_copy(update={"released": False}).condition(SPARK_MARK)
    table = tables.full_name(tables.QUARANTINE)
    found = spark.sql(f"SELECT * FROM {table} WHERE {text}", args=values)
    return found.dropDuplicates(list(transform.PLACE)).localCheckpoint()


def _counts(spark: SparkSession, settings: Settings, judged: DataFrame) -> Counts:
    """What is known before Silver is: every valid row as a duplicate."""
    watermark = sources.newest_trade_micros(spark) - settings.watermark_minutes * 60_000_000
    late = silver.passes() & (F.unix_micros("event_ts") < F.lit(watermark))
    [found] = judged.agg(
        F.count("*").alias("rows"),
        F.count_if(silver.passes()).alias("valid"),
        F.count_if(late).alias("late"),
    ).collect()
    rows, valid = found["rows"], found["valid"]
    return Counts(rows, rows_duplicate=valid, rows_late=found["late"], dq_fail=rows - valid)
