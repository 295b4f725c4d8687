"""Silver → Gold: the minutes that new trades touch are counted anew, and their windows with them.

A minute is always counted from all its trades in Silver, so a batch may be run twice and a trade
may come late: Gold stays a pure function of Silver. New spikes are entered in the outbox before the
batch counts as done: a batch that was cut short is run again, and enters them then.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from spark_jobs import minutes, sinks, snapshots, sources
from spark_jobs.audit import Counts
from spark_jobs.sinks import Batch
from spark_jobs.snapshot_sources import between
from spark_jobs.stream import Context, Pace
from spark_jobs.transforms import gold

log = structlog.get_logger(__name__)
_MINUTE = "unix_seconds({}) div 60"
Key = tuple[str, str, int]


@dataclass
class Changed:
    """What a batch has written: how many rows, and the spikes among them."""

    rows: int = 0
    spikes: set[Key] = field(default_factory=set)


class GoldJob:
    """Upserts minute features; knows which minutes can still change without new trades."""

    name = tables.GOLD
    pace = Pace.FOLLOWING

    def __init__(self, context: Context) -> None:
        self._context = context
        self._open: set[int] = set()
        self._newest_second = 0
        # When the outbox of spikes began; None where nobody is to be told.
        self._outbox_since: datetime | None = None
        # The spikes that are known to be in the outbox; None before the first look.
        self._entered: set[Key] | None = None

    def source(self) -> DataFrame:
        self._recall(self._context.spark)
        if self._context.settings.spike_webhook_url.get_secret_value():
            self._outbox_since = self._context.outbox.begin(self._context.spark)
        return sources.table_stream(self._context.spark, self._context.settings, tables.SILVER)

    def process(self, rows: DataFrame, batch: Batch) -> Counts:
        del batch  # an upsert needs no memory of what was written
        touched = _touched(rows)
        if not touched:
            return Counts()
        count = sum(row["rows"] for row in touched)
        return Counts(
            rows_in=count,
            rows_out=count,
            rows_upserted=self._upsert(rows.sparkSession, touched),
            oldest_ingest=min(row["oldest_ingest"] for row in touched),
        )

    def _recall(self, spark: SparkSession) -> None:
        open_rows = sources.table(spark, tables.GOLD, ~F.col("is_final"))
        found = open_rows.select(F.expr(_MINUTE.format("minute_ts")).alias("minute")).distinct()
        self._open = {row["minute"] for row in found.collect()}
        self._newest_second = sources.newest_trade_micros(spark) // 1_000_000

    def _upsert(self, spark: SparkSession, touched: list[Row]) -> int:
        self._newest_second = max(self._newest_second, *(row["newest"] for row in touched))
        final_below = self._newest_second // 60 - self._context.settings.watermark_minutes
        counted = {row["minute"] for row in touched}
        still_open = {minute for minute in self._open | counted if minute >= final_below}
        work = minutes.plan(counted, self._open - still_open)
        rule = gold.spike_rule(self._context.settings)
        changed = _rewrite(spark, work, final_below, rule)
        self._enter(spark, work, changed.spikes)
        self._open = still_open
        return changed.rows

    def _enter(self, spark: SparkSession, work: minutes.Plan, spikes: set[Key]) -> None:
        """Enter new spikes in the outbox, from Gold as it stands.

        The first batch after a start may have been cut short after it wrote Gold: it then changes
        nothing, and its spikes are looked for all the same.
        """
        if self._outbox_since is None:
            return
        if self._entered is None or spikes - self._entered:
            where = _within("minute_ts", work.rewrite)
            self._context.outbox.enrol(spark, where, self._outbox_since)
            self._entered = (self._entered or set()) | spikes


def _touched(rows: DataFrame) -> list[Row]:
    grouped = rows.groupBy(F.expr(_MINUTE.format("event_ts")).alias("minute"))
    return grouped.agg(
        F.count("*").alias("rows"),
        F.max(F.expr("unix_seconds(event_ts)")).alias("newest"),
        F.min(F.unix_micros("ingest_ts")).alias("oldest_ingest"),
    ).collect()


def _rewrite(
    spark: SparkSession, work: minutes.Plan, final_below: int, rule: dict[str, object]
) -> Changed:
    """Bring the rows of `work.rewrite` up to date; returns what changed.

    Where Gold or Silver was rewritten by others meanwhile, all is read and counted anew.
    """
    changed = Changed()
    for _ in range(sinks.MOST_TRIES):
        silver = sinks.snapshot_id(spark, tables.SILVER)
        try:
            found = _upsert_changed(spark, work, final_below, rule)
        except sinks.Conflict:
            log.info("gold_counted_anew", reason="another writer has changed it")
            continue
        changed = Changed(changed.rows + found.rows, changed.spikes | found.spikes)
        # New trades come in a batch of their own.
        if snapshots.only_grown(snapshots.load(spark, tables.SILVER), silver):
            return changed
        log.info("gold_counted_anew", reason="silver was rewritten")
    raise sinks.crowded(tables.GOLD)


def _upsert_changed(
    spark: SparkSession, work: minutes.Plan, final_below: int, rule: dict[str, object]
) -> Changed:
    recounted = gold.bars(sources.table(spark, tables.SILVER, _within("event_ts", work.recount)))
    standing = sources.table(spark, tables.GOLD, _within("minute_ts", work.context))
    kept = standing.where(~_within("minute_ts", work.recount)).select(*gold.BAR)
    wanted = (
        gold.features(kept.unionByName(recounted), rule)
        .where(_within("minute_ts", work.rewrite))
        .withColumn("is_final", F.expr(_MINUTE.format("minute_ts")) < F.lit(final_below))
    )
    changed = gold.changed_rows(wanted, standing.drop("updated_at"))
    # A checkpoint, not a cache: a cached plan that reads Gold breaks the write to Gold.
    stamped = changed.withColumn("updated_at", F.lit(datetime.now(UTC))).localCheckpoint()
    key = F.struct("exchange", "symbol", F.expr(_MINUTE.format("minute_ts")))
    spikes = F.collect_list(F.when(F.col("spike"), key))
    [found] = stamped.agg(F.count("*").alias("rows"), spikes.alias("spikes")).collect()
    if found["rows"]:
        sinks.merge(stamped.coalesce(1), tables.GOLD, _bounds(work.rewrite))
    return Changed(found["rows"], {(row[0], row[1], row[2]) for row in found["spikes"]})


def _within(column: str, ranges: Iterable[tuple[int, int]]) -> Column:
    """Whether a timestamp falls into one of the closed ranges of minutes."""
    condition = F.lit(False)
    for first, last in ranges:
        condition = condition | between(column, _instant(first), _instant(last + 1))
    return condition


def _bounds(ranges: minutes.Pairs) -> dict[str, object]:
    return {"from_minute": _instant(ranges[0][0]), "to_minute": _instant(ranges[-1][1])}


def _instant(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)
