"""Bronze → Silver and quarantine: each valid (exchange, symbol, agg_id) exactly once.

Ids rise by one, so the ids that stand in Silver are a handful of ranges for each symbol. They
are read from Silver at the start and kept while the job runs: whether a trade is new is known
without a look at the table, and a batch costs the same however large the table is. A trade may
be days late and still finds its place; the watermark only counts it as late.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from lakehouse.id_ranges import IdRanges
from spark_jobs import quality, sources
from spark_jobs.audit import Counts
from spark_jobs.sinks import Batch, OnceAppender
from spark_jobs.stream import Context, Pace
from spark_jobs.transforms import silver

_KNOWN_SCHEMA = "exchange STRING, symbol STRING, from_id BIGINT, to_id BIGINT"
# Up to here one file per commit and hour beats two cores writing half of it each.
_ONE_FILE_ROWS = 200_000


class SilverJob:
    """Judges Bronze's rows, splits them, and appends what is valid and new."""

    name = tables.SILVER
    pace = Pace.FOLLOWING

    def __init__(self, context: Context) -> None:
        self._context = context
        self._rules = quality.rules(context.settings)
        self._silver = OnceAppender(tables.SILVER)
        self._quarantine = OnceAppender(tables.QUARANTINE)
        self._known: dict[tuple[str, str], IdRanges] = {}
        self._newest = 0  # event time, µs UTC

    def source(self) -> DataFrame:
        self._recall(self._context.spark)
        return sources.table_stream(self._context.spark, self._context.settings, tables.BRONZE)

    def process(self, rows: DataFrame, batch: Batch) -> Counts:
        judged = silver.judged(rows, self._rules).persist()
        try:
            stats = self._stats(judged)
            failed = sum(row["rows"] for row in stats if row["bad"])
            self._set_aside(judged, failed, batch)
            accepted = [row for row in stats if not row["bad"]]
            fresh = self._append_new(judged, accepted, batch)
            self._newest = max([self._newest, *(row["newest"] for row in accepted)])
            return _counts(stats, failed, fresh)
        finally:
            judged.unpersist()

    def _recall(self, spark: SparkSession) -> None:
        self._learn(_id_ranges(sources.table(spark, tables.SILVER)))
        self._newest = sources.newest_trade_micros(spark)

    def _learn(self, found: Iterable[Row]) -> None:
        for row in found:
            ranges = self._known.setdefault((row["exchange"], row["symbol"]), IdRanges())
            ranges.add(row["from_id"], row["to_id"])

    def _stats(self, judged: DataFrame) -> list[Row]:
        """Counts and bounds per symbol for the valid rows, one row for all the others."""
        bad = F.size("reasons") > 0
        watermark = self._newest - self._context.settings.watermark_minutes * 60_000_000
        late = F.unix_micros("event_ts") < F.lit(watermark)
        grouped = judged.groupBy(
            bad.alias("bad"),
            F.when(~bad, F.col("exchange")).alias("exchange"),
            F.when(~bad, F.col("symbol")).alias("symbol"),
        )
        return grouped.agg(
            F.count("*").alias("rows"),
            F.count_if(late).alias("late"),
            F.min("agg_id").alias("from_id"),
            F.max("agg_id").alias("to_id"),
            F.max(F.unix_micros("event_ts")).alias("newest"),
            F.min(F.unix_micros("ingest_ts")).alias("oldest_ingest"),
        ).collect()

    def _set_aside(self, judged: DataFrame, failed: int, batch: Batch) -> None:
        if self._quarantine.committed_rows(judged.sparkSession, batch) is None and failed:
            rejected = judged.where(F.size("reasons") > 0)
            rows = silver.quarantine_rows(rejected, F.lit(datetime.now(UTC)))
            self._quarantine.append(rows, batch)

    def _append_new(self, judged: DataFrame, accepted: list[Row], batch: Batch) -> int:
        """Append the valid trades whose ids are not known; returns how many that were."""
        committed = self._silver.committed_rows(judged.sparkSession, batch)
        if committed is not None or not accepted:
            return committed or 0
        trades = silver.silver_rows(judged.where(F.size("reasons") == 0))
        fresh = silver.unknown_only(trades, self._known_among(judged.sparkSession, accepted))
        fresh = fresh.persist()
        try:
            found = _id_ranges(fresh)
            rows: int = sum(row["to_id"] - row["from_id"] + 1 for row in found)
            if rows:
                files = fresh.coalesce(1) if rows <= _ONE_FILE_ROWS else fresh
                self._silver.append(files.sortWithinPartitions("symbol", "agg_id"), batch)
                self._learn(found)
            return rows
        finally:
            fresh.unpersist()

    def _known_among(self, spark: SparkSession, accepted: list[Row]) -> DataFrame | None:
        """The known ranges that the batch's ids may fall into; None where there are none."""
        overlapping = [
            (row["exchange"], row["symbol"], lo, hi)
            for row in accepted
            for lo, hi in self._known.get((row["exchange"], row["symbol"]), IdRanges()).overlapping(
                row["from_id"], row["to_id"]
            )
        ]
        return spark.createDataFrame(overlapping, _KNOWN_SCHEMA) if overlapping else None


def _id_ranges(trades: DataFrame) -> list[Row]:
    view = "id_ranges_source"
    trades.createOrReplaceTempView(view)
    statement = tables.statement(tables.SILVER, "id_ranges").format(source=view)
    return trades.sparkSession.sql(statement).collect()


def _counts(stats: list[Row], failed: int, fresh: int) -> Counts:
    rows_in = sum(row["rows"] for row in stats)
    ingested = [row["oldest_ingest"] for row in stats if row["oldest_ingest"] is not None]
    return Counts(
        rows_in=rows_in,
        rows_out=fresh,
        rows_duplicate=rows_in - failed - fresh,
        rows_late=sum(row["late"] for row in stats if not row["bad"]),
        dq_fail=failed,
        rows_upserted=fresh,
        oldest_ingest=min(ingested, default=None),
    )
