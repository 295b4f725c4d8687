"""One piece of Gold from Silver: its hours are swapped in by one commit, its windows after it.

Bars of Silver are read as far back and as far on as windows reach, so that nothing of Gold itself
is believed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from lakehouse.settings import Settings
from lakehouse.spans import instant
from spark_jobs import sinks, sources
from spark_jobs.audit import Counts
from spark_jobs.minutes import REACH_MINUTES
from spark_jobs.rebuild_compare import Difference, difference
from spark_jobs.rebuild_pieces import Hours
from spark_jobs.rebuild_swap import PROPERTY, Outcome, tried
from spark_jobs.snapshot_sources import as_of, between, within_hours
from spark_jobs.transforms import gold

TIME = "minute_ts"
_REACH = timedelta(minutes=REACH_MINUTES)
# Near the present the stream writes too, and there is something to do at every look.
_MOST_LOOKS = 4


@dataclass(frozen=True)
class GoldPlan:
    """Rows that Gold should have of a piece and of the two hours after it; what it has, and when.

    `trades` counts those of the piece; `at` is the snapshot of Gold.
    """

    at: int | None
    wanted: DataFrame
    standing: DataFrame
    change: Difference
    trades: int


@dataclass
class GoldSwap:
    """Rebuilds one piece. `name` stands in the commits that it makes."""

    spark: SparkSession
    settings: Settings
    hours: Hours
    name: str
    _done: Difference = field(default_factory=Difference)

    def run(self, dry_run: bool) -> Outcome:
        """Swap the piece in, or only say what would change."""
        attempt = self._look if dry_run else self._swap
        return tried(attempt, tables.GOLD, self.hours)

    def _look(self) -> Outcome:
        with self._planned() as plan:
            return self._outcome(plan, plan.change, self._behind(plan).count())

    def _swap(self) -> Outcome:
        """Swap the piece in and bring the rows behind it up to date, until all is equal.

        The stream may be writing the minutes behind it: what it has changed since they were read
        is left to the next look, and after the last one to the stream.
        """
        after = 0
        for _ in range(_MOST_LOOKS):
            with self._planned() as plan:
                self._replace(plan)
                corrected = self._correct(plan)
                after += corrected
                outcome = self._outcome(plan, self._done, after)
            if not plan.change and not corrected:
                break
        return outcome

    def _replace(self, plan: GoldPlan) -> None:
        if plan.change:
            where = within_hours(TIME, plan.change.hours)
            rows = self._new_rows(plan).sortWithinPartitions("symbol", TIME)
            sinks.replace_if_unchanged(rows, tables.GOLD, where, plan.at, {PROPERTY: self.name})
            self._done += plan.change

    def _correct(self, plan: GoldPlan) -> int:
        behind = self._behind(plan).localCheckpoint()
        count = behind.count()
        if count:
            bounds: dict[str, object] = {
                "from_minute": self._end(),
                "to_minute": self._end() + _REACH,
            }
            sinks.merge(behind.coalesce(1), tables.GOLD, bounds, "correct")
        return count

    @contextmanager
    def _planned(self) -> Iterator[GoldPlan]:
        # Gold first: what the stream made of Silver later than this, it will find changed.
        at = sinks.snapshot_id(self.spark, tables.GOLD)
        silver = as_of(self.spark, tables.SILVER, sinks.snapshot_id(self.spark, tables.SILVER))
        wanted = self._wanted(silver).persist(StorageLevel.DISK_ONLY)
        try:
            standing = as_of(self.spark, tables.GOLD, at)
            ours = standing.where(self._inside()).drop("updated_at")
            change = difference(ours, wanted.where(self._inside()), gold.KEY, TIME)
            inside = within_hours("event_ts", range(*self.hours))
            yield GoldPlan(at, wanted, standing, change, silver.where(inside).count())
        finally:
            wanted.unpersist()

    def _wanted(self, silver: DataFrame) -> DataFrame:
        """Every column but `updated_at`, for the piece and the minutes behind it."""
        reach = between("event_ts", self._start() - _REACH, self._end() + _REACH)
        newest = sources.newest_trade_micros(self.spark) // 60_000_000
        final_below = newest - self.settings.watermark_minutes
        rows = gold.features(gold.bars(silver.where(reach)), gold.spike_rule(self.settings))
        shown = rows.where(between(TIME, self._start(), self._end() + _REACH))
        final = F.expr(f"unix_seconds({TIME}) div 60") < F.lit(final_below)
        return shown.withColumn("is_final", final)

    def _new_rows(self, plan: GoldPlan) -> DataFrame:
        """All rows of the hours that change; those that stay as they are keep their time."""
        changing = within_hours(TIME, plan.change.hours)
        ours = plan.wanted.where(changing)
        names = ours.columns
        none = F.lit(None).cast("timestamp")
        both = ours.withColumns({"updated_at": none, "mine": F.lit(1)}).unionByName(
            plan.standing.where(changing).withColumn("mine", F.lit(0))
        )
        joined = both.groupBy(*names).agg(
            F.max("mine").alias("mine"), F.max("updated_at").alias("updated_at")
        )
        now = F.lit(datetime.now(UTC))
        kept = joined.where("mine = 1").drop("mine")
        return kept.withColumn("updated_at", F.coalesce("updated_at", now)).coalesce(1)

    def _behind(self, plan: GoldPlan) -> DataFrame:
        """The rows behind the piece that differ, with when they were read to have changed."""
        behind = between(TIME, self._end(), self._end() + _REACH)
        standing = plan.standing.where(behind)
        changed = gold.changed_rows(plan.wanted.where(behind), standing.drop("updated_at"))
        seen = standing.select(*gold.KEY, F.col("updated_at").alias("seen_at"))
        return changed.join(seen, [*gold.KEY], "left").withColumn(
            "updated_at", F.lit(datetime.now(UTC))
        )

    def _outcome(self, plan: GoldPlan, change: Difference, after: int) -> Outcome:
        counts = Counts(
            rows_in=plan.trades,
            rows_out=plan.trades,
            rows_upserted=change.added + change.changed + after,
        )
        return Outcome(self.hours, counts, change, after=after)

    def _inside(self) -> Column:
        return between(TIME, self._start(), self._end())

    def _start(self) -> datetime:
        return instant(self.hours.first)

    def _end(self) -> datetime:
        return instant(self.hours.end)
