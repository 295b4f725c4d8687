"""Rebuild a layer from the one below it, piece by piece, beside the running streams."""

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from lakehouse.child import tell
from lakehouse.settings import Settings
from lakehouse.spans import Span
from spark_jobs import quality, snapshots, sources
from spark_jobs.audit import Auditor
from spark_jobs.rebuild_gold import GoldSwap
from spark_jobs.rebuild_pieces import Hours, cut
from spark_jobs.rebuild_silver import SilverPlanner
from spark_jobs.rebuild_swap import Outcome, SilverSwap
from spark_jobs.sinks import Batch
from spark_jobs.snapshot_sources import rows_by_hour
from spark_jobs.status import StatusFile
from spark_jobs.stream import compile_plans

SILVER: Final = "silver"
GOLD: Final = "gold"
JOB: Final = "rebuild"
_HOUR_MICROS: Final = 3_600_000_000

Piece = tuple[str, Outcome]


@dataclass
class Rebuild:
    """One run of the command. `pieces` are those that are done, with their layer."""

    spark: SparkSession
    settings: Settings
    span: Span
    dry_run: bool = False
    pieces: list[Piece] = field(default_factory=list)
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @cached_property
    def hours(self) -> Hours:
        """The span with both its ends."""
        return Hours(self._first(), self._end())

    def run(self, layer: str) -> list[Piece]:
        """Rebuild a layer; errors are told after what was done before them was swapped in."""
        tell(f"{layer} of {self.hours} is {'looked at' if self.dry_run else 'rebuilt'}")
        touched = self.silver() if layer == SILVER else frozenset()
        # Gold is looked at even where Silver was as it should be: an earlier run may have ended
        # between the two. What is only looked at does not change Gold.
        if layer == GOLD or not self.dry_run:
            self.gold(touched)
        return self.pieces

    def silver(self) -> frozenset[int]:
        """Rebuild Silver; the hours that changed."""
        counted = [rows_by_hour(self.spark, name, "event_ts") for name in _TRADES]
        touched: frozenset[int] = frozenset()
        rows = self._recorded(_most(counted, self.hours))
        for number, hours in enumerate(cut(rows)):
            # Where all is rebuilt, the records that have no readable time are judged, too.
            timeless = self.span.first is None and number == 0
            planner = SilverPlanner(self.spark, quality.rules(self.settings), hours, timeless)
            swap = SilverSwap(self.spark, planner, self.run_id)
            touched |= self._done(SILVER, hours, rows, swap.run).change.hours
        return touched

    def gold(self, touched: Collection[int] = ()) -> None:
        """Rebuild Gold of the span, and of hours outside it that were touched."""
        counted = [
            rows_by_hour(self.spark, tables.SILVER, "event_ts"),
            rows_by_hour(self.spark, tables.GOLD, "minute_ts"),
        ]
        rows = _most(counted, self.hours)
        beyond = _most([*counted, dict.fromkeys(touched, 0)], None)
        rows |= {hour: beyond[hour] for hour in touched}
        for hours in cut(rows):
            swap = GoldSwap(self.spark, self.settings, hours, self.run_id)
            self._done(GOLD, hours, rows, swap.run)

    def _done(
        self, layer: str, hours: Hours, rows: Mapping[int, int], run: Callable[[bool], Outcome]
    ) -> Outcome:
        """A piece, audited and told; a dry run is no work to be audited."""
        compile_plans(self.spark, sum(rows[hour] for hour in rows if hour in hours))
        if self.dry_run:
            outcome = run(True)
        else:
            auditor = Auditor(self.run_id, JOB, StatusFile(None))
            batch = Batch(f"{layer}-{self.run_id}", len(self.pieces))
            with auditor.watching(self.spark, batch) as record:
                outcome = run(False)
                record.counts = outcome.counts
        self.pieces.append((layer, outcome))
        tell(f"{layer} {hours}: {_in_words(outcome, self.dry_run)}")
        return outcome

    def _recorded(self, rows: dict[int, int]) -> dict[int, int]:
        """The hours of these that retention has left in Bronze: there is no way to the others."""
        before = snapshots.removed(snapshots.load(self.spark, tables.BRONZE)).before
        first = int(before.timestamp()) // 3600
        kept = {hour: count for hour, count in rows.items() if hour >= first}
        if len(kept) < len(rows):
            tell(f"Silver before {before:%Y-%m-%d} stays as it is: retention took these records")
        return kept

    def _first(self) -> int:
        if self.span.first is not None:
            return self.span.first
        counted = [rows_by_hour(self.spark, name, "event_ts") for name in _TRADES]
        return min((min(rows) for rows in counted if rows), default=0)

    def _end(self) -> int:
        """The first hour that is not rebuilt: by default the one that the watermark is in."""
        if self.span.end is not None:
            return self.span.end
        newest = max(sources.newest_trade_micros(self.spark), _newest_record(self.spark))
        watermark = newest - self.settings.watermark_minutes * 60_000_000
        return max(self._first(), watermark // _HOUR_MICROS)


_TRADES = (tables.BRONZE, tables.SILVER)


def _newest_record(spark: SparkSession) -> int:
    """The latest time of a valid record of Bronze, µs UTC: Silver may have been lost."""
    valid = sources.table(spark, tables.BRONZE, F.col("raw").isNull())
    newest = valid.agg(F.max(F.unix_micros("event_ts"))).first()
    return int(newest[0]) if newest is not None and newest[0] is not None else 0


def _most(
    counted: list[Mapping[int, int]] | list[dict[int, int]], span: Hours | None
) -> dict[int, int]:
    """The hours that any has rows of, with the most that one has."""
    hours = {hour for rows in counted for hour in rows if span is None or hour in span}
    return {hour: max(rows.get(hour, 0) for rows in counted) for hour in hours}


def _in_words(outcome: Outcome, dry_run: bool) -> str:
    change = outcome.change
    if not change and not outcome.after:
        return f"{outcome.counts.rows_in:,} rows read, already equal"
    said = (
        f"{outcome.counts.rows_in:,} rows read, {change.added:,} added, {change.changed:,} "
        f"changed, {change.removed:,} removed"
    )
    behind = f", {outcome.after:,} behind it" if outcome.after else ""
    return f"{said}{behind}{' if it were run' if dry_run else ', swapped in'}"
