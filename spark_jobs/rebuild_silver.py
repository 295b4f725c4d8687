"""What Silver should hold of a piece of time, from Bronze; nothing is written here.

Every key that has a record in Bronze or a row in Silver within the piece is looked at wherever
else it stands: a record with a wrong time may have brought it to another hour.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, Observation, Row, SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from spark_jobs import quality, sinks
from spark_jobs.rebuild_compare import Difference, difference
from spark_jobs.rebuild_pieces import Hours
from spark_jobs.snapshot_sources import as_of, between_hours, near_hours, within_hours
from spark_jobs.transforms import silver

KEY = silver.KEY
TIME = "event_ts"
_BOUNDS = "exchange STRING, symbol STRING, from_id BIGINT, to_id BIGINT"


@dataclass(frozen=True)
class Seen:
    """The snapshots that a plan was made from; None before a table's first commit."""

    silver: int | None
    bronze: int | None


@dataclass(frozen=True)
class SilverPlan:
    """What to do with a piece of Silver; its frames are of use within `planned` alone.

    `records` of Bronze in the piece, `rejected` of them by today's rules; `trades` of Silver that
    the others give in the piece; `kept` rows that no valid record gives. `wanted` and `standing`
    hold the keys of the piece, wherever they stand; `gone` the keys that have no place any more.
    """

    seen: Seen
    judged: DataFrame
    wanted: DataFrame
    standing: DataFrame
    gone: DataFrame
    change: Difference
    records: int
    rejected: int
    trades: int
    kept: int


@dataclass
class SilverPlanner:
    """Plans pieces; `timeless`: the records without a readable time belong to the piece, too."""

    spark: SparkSession
    rules: quality.Rules
    hours: Hours
    timeless: bool = False
    _held: list[DataFrame] = field(default_factory=list, init=False)

    @contextmanager
    def planned(self) -> Iterator[SilverPlan]:
        """The plan from the newest snapshots; what it keeps on disk is dropped at the end."""
        # Silver first: what it holds then has its record in Bronze's snapshot.
        seen = Seen(
            sinks.snapshot_id(self.spark, tables.SILVER),
            sinks.snapshot_id(self.spark, tables.BRONZE),
        )
        try:
            yield self._plan(seen)
        finally:
            for frame in self._held:
                frame.unpersist()
            self._held.clear()

    def judged(self, bronze: int | None) -> DataFrame:
        """The piece's records as of a snapshot of Bronze, with the rules that they break."""
        records = as_of(self.spark, tables.BRONZE, bronze).where(self._records())
        return silver.judged(records, self.rules)

    def new_rows(self, plan: SilverPlan) -> DataFrame:
        """All rows of the hours that change: what is wanted there, and what is none of ours."""
        ours = plan.wanted.where(within_hours(TIME, plan.change.hours))
        others = [hour for hour in plan.change.hours if hour not in self.hours]
        if not others:
            return ours
        keys = plan.wanted.select(*KEY).unionByName(plan.standing.select(*KEY)).distinct()
        beside = as_of(self.spark, tables.SILVER, plan.seen.silver)
        beside = beside.where(within_hours(TIME, others)).join(keys, [*KEY], "left_anti")
        return ours.unionByName(beside.select(*ours.columns))

    def _plan(self, seen: Seen) -> SilverPlan:
        bronze, standing = (
            as_of(self.spark, tables.BRONZE, seen.bronze),
            as_of(self.spark, tables.SILVER, seen.silver),
        )
        counted = Observation()
        judged = self.judged(seen.bronze)
        observed = judged.observe(counted, *_figures())
        valid = observed.where(silver.passes())
        records_beyond, rows_beyond = self._elsewhere(bronze, standing)
        if records_beyond is not None:
            valid = valid.unionByName(
                silver.judged(records_beyond, self.rules).where(silver.passes())
            )
        trades = self._hold(silver.silver_rows(valid))
        inside = trades.where(self.inside()).count()  # fills what is held, and the observation
        standing_rows = standing.where(self.inside())
        if rows_beyond is not None:
            standing_rows = standing_rows.unionByName(rows_beyond)
        kept, gone = self._without_record(standing_rows, trades, bronze)
        wanted = trades if kept is None else trades.unionByName(kept.select(*trades.columns))
        return SilverPlan(
            seen,
            judged,
            wanted,
            standing_rows,
            gone,
            difference(standing_rows, wanted, KEY, TIME),
            counted.get["records"],
            counted.get["rejected"],
            inside,
            0 if kept is None else kept.count(),
        )

    def _elsewhere(
        self, bronze: DataFrame, standing: DataFrame
    ) -> tuple[DataFrame | None, DataFrame | None]:
        """Records and rows outside the piece whose keys are in it; None where there are none."""
        # A record that was kept without its raw bytes broke no rule when it came.
        plausible = F.col("raw").isNull() | ~self.rules.broken()
        recorded = bronze.where(self.inside() & plausible)
        keys = recorded.select(*KEY).unionByName(standing.where(self.inside()).select(*KEY))
        bounds = _bounds_of(keys)
        if not bounds:
            return None, None
        return self._outside(bronze, keys, bounds), self._outside(standing, keys, bounds)

    def _outside(
        self, whole: DataFrame, keys: DataFrame, bounds: Sequence[Row]
    ) -> DataFrame | None:
        # Three columns of everything else are read: there is hardly ever anything to find.
        outside = whole.where(~self.inside())
        near = _near(outside, self._bounds(bounds), bounds).select(*KEY, TIME).localCheckpoint()
        if near.isEmpty():
            return None
        found = near.join(keys.distinct(), [*KEY], "left_semi").localCheckpoint()
        hour = F.expr(f"unix_seconds({TIME}) div 3600").alias("hour")
        hours = [row["hour"] for row in found.select(hour).distinct().collect()]
        rows = outside.where(near_hours(TIME, hours))
        return rows.join(found.select(*KEY).distinct(), [*KEY], "left_semi") if hours else None

    def _without_record(
        self, standing: DataFrame, trades: DataFrame, bronze: DataFrame
    ) -> tuple[DataFrame | None, DataFrame]:
        """Rows of Silver that no valid record gives: those to keep, and the keys of the others.

        Kept is what has no record at all (an archive was loaded past Bronze), and what keeps
        today's rules itself. The others came from records that are rejected today.
        """
        left = standing.join(trades, [*KEY], "left_anti").localCheckpoint()
        if left.isEmpty():
            return None, left.select(*KEY)
        one = F.min_by(F.struct(*left.columns), F.struct(TIME, "ingest_ts", "source"))
        single = left.groupBy(*KEY).agg(one.alias("row")).select("row.*")
        bounds = _bounds_of(left)
        recorded = _near(bronze, self._bounds(bounds), bounds).select(*KEY).distinct()
        recorded = recorded.withColumn("recorded", F.lit(True))
        judged = silver.judged(as_records(single), self.rules).select(*KEY, "reasons")
        told = single.join(recorded, [*KEY], "left").join(judged, [*KEY]).localCheckpoint()
        keep = F.col("recorded").isNull() | silver.passes()
        return told.where(keep).drop("recorded", "reasons"), told.where(~keep).select(*KEY)

    def _hold(self, frame: DataFrame) -> DataFrame:
        """On disk: a piece may be larger than the memory."""
        self._held.append(frame.persist(StorageLevel.DISK_ONLY))
        return self._held[-1]

    def inside(self) -> Column:
        """Whether a row's time is in the piece."""
        return between_hours(TIME, *self.hours)

    def _records(self) -> Column:
        return self.inside() | F.col(TIME).isNull() if self.timeless else self.inside()

    def _bounds(self, rows: Sequence[Row]) -> DataFrame:
        return F.broadcast(self.spark.createDataFrame([tuple(row) for row in rows], _BOUNDS))


def as_records(trades: DataFrame) -> DataFrame:
    """Rows of Silver as Bronze would hold them, to be judged by the same rules."""
    micros = F.unix_micros(TIME)
    return trades.withColumns(
        {
            "price": F.col("price").cast("string"),
            "qty": F.col("qty").cast("string"),
            "trade_time": micros,
            "event_time": micros,
            "ingest_time": F.unix_micros("ingest_ts"),
            "schema_version": F.lit(1),
            # No record says when it came: the rules about that find nothing wrong.
            "kafka_timestamp": F.lit(None).cast("timestamp"),
        }
    )


def _figures() -> list[Column]:
    return [
        F.count("*").alias("records"),
        F.count_if(~silver.passes()).alias("rejected"),
    ]


def _bounds_of(keys: DataFrame) -> list[Row]:
    """The lowest and the highest id of each symbol."""
    grouped = keys.groupBy("exchange", "symbol")
    return grouped.agg(F.min("agg_id").alias("from_id"), F.max("agg_id").alias("to_id")).collect()


def _near(rows: DataFrame, bounds: DataFrame, told: Sequence[Row]) -> DataFrame:
    """Rows whose id is within the bounds of their symbol."""
    lowest, highest = min(row["from_id"] for row in told), max(row["to_id"] for row in told)
    # The literal bounds prune files, the join cannot.
    cut = rows.where(F.col("agg_id").between(lowest, highest)).alias("t")
    inside = F.col("t.agg_id").between(F.col("b.from_id"), F.col("b.to_id"))
    same = (F.col("t.exchange") == F.col("b.exchange")) & (F.col("t.symbol") == F.col("b.symbol"))
    return cut.join(bounds.alias("b"), same & inside, "left_semi")
