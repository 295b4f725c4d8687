"""One piece of Silver: planned, swapped in by one commit, and planned anew where others wrote."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from lakehouse.child import tell
from lakehouse.errors import StackError
from spark_jobs import sinks, snapshots
from spark_jobs.audit import Counts
from spark_jobs.rebuild_compare import Difference
from spark_jobs.rebuild_pieces import Hours
from spark_jobs.rebuild_quarantine import Aside
from spark_jobs.rebuild_silver import KEY, TIME, SilverPlan, SilverPlanner
from spark_jobs.snapshot_sources import appended, within_hours

PROPERTY = "firehose.rebuild"
MOST_TRIES = 6
_T = TypeVar("_T")


@dataclass(frozen=True)
class Outcome:
    """What became of a piece: what was (or, in a dry run, would be) changed of its table.

    `kept`, `quarantined` and `released` are Silver's; `after` counts Gold's rows behind the piece
    whose windows reach into it.
    """

    hours: Hours
    counts: Counts
    change: Difference
    kept: int = 0
    quarantined: int = 0
    released: int = 0
    after: int = 0


def tried(attempt: Callable[[], _T], table: str, hours: Hours) -> _T:
    """The result of `attempt`, made again after a Conflict; StackError after MOST_TRIES."""
    for number in range(1, MOST_TRIES + 1):
        try:
            return attempt()
        except sinks.Conflict:
            tell(f"{hours}: {table} was written meanwhile, computing again ({number})")
            time.sleep(min(number, 5))
    raise StackError(
        f"{table} was written between {hours} in each of {MOST_TRIES} tries to rebuild it; what "
        "was swapped in before is done.",
        "Choose an earlier --to, or wait until late trades have come in.",
    )


@dataclass
class SilverSwap:
    """Rebuilds one piece. `name` stands in the commits that it makes."""

    spark: SparkSession
    planner: SilverPlanner
    name: str
    _done: Difference = field(default_factory=Difference)

    def run(self, dry_run: bool) -> Outcome:
        """Swap the piece in, or only say what would change."""
        attempt = self._look if dry_run else self._swap
        return tried(attempt, tables.SILVER, self.planner.hours)

    def _look(self) -> Outcome:
        with self.planner.planned() as plan:
            aside = Aside(self.spark, self.planner, plan)
            return replace(
                self._outcome(plan, plan.change),
                quarantined=aside.to_hold().count() if plan.rejected else 0,
                released=aside.passing().count(),
            )

    def _swap(self) -> Outcome:
        properties = {PROPERTY: self.name}
        with self.planner.planned() as plan:
            aside = Aside(self.spark, self.planner, plan)
            quarantined = aside.hold(properties)
            if plan.change:
                where = within_hours(TIME, plan.change.hours)
                rows = _laid_out(self.planner.new_rows(plan))
                sinks.replace_if_unchanged(rows, tables.SILVER, where, plan.seen.silver, properties)
                self._done += plan.change
                self._look_behind(plan)
            done = self._outcome(plan, self._done)
            return replace(done, quarantined=quarantined, released=aside.release())

    def _look_behind(self, plan: SilverPlan) -> None:
        """Conflict where a key of ours came in elsewhere while ours was written.

        The commit sees what others wrote into its own hours. A trade whose record has another
        hour is met here, a moment later; the next try then finds its two rows and leaves one.
        """
        if _wrote(self.spark, tables.SILVER, plan.seen.silver, plan.wanted):
            raise sinks.Conflict(tables.SILVER)
        if plan.change.removed and _wrote(self.spark, tables.BRONZE, plan.seen.bronze, plan.gone):
            raise sinks.Conflict(tables.BRONZE)

    def _outcome(self, plan: SilverPlan, change: Difference) -> Outcome:
        counts = Counts(
            rows_in=plan.records,
            rows_out=plan.trades,
            rows_duplicate=plan.records - plan.rejected - plan.trades,
            dq_fail=plan.rejected,
            rows_upserted=change.added + change.changed,
        )
        return Outcome(self.planner.hours, counts, change, plan.kept)


def _laid_out(rows: DataFrame) -> DataFrame:
    """One file for each hour, in the order of the stream's."""
    hour = F.date_trunc("HOUR", TIME)
    return rows.repartition(hour).sortWithinPartitions(hour, "symbol", "agg_id")


def _wrote(spark: SparkSession, table: str, since: int | None, keys: DataFrame) -> bool:
    """Whether any of these keys was appended to a table after a snapshot."""
    loaded = snapshots.load(spark, table)
    until = snapshots.current_id(loaded)
    if since is None or until is None or since == until:
        return False
    done = snapshots.operations(loaded, since)
    if done is None or "append" not in done:
        return done is None  # what cannot be looked at may be anything
    came = appended(spark, table, since, until).select(*KEY).distinct()
    return not keys.join(F.broadcast(came), [*KEY], "left_semi").isEmpty()
