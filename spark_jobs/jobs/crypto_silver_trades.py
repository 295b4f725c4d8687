"""Bronze → Silver and quarantine: each valid (exchange, symbol, agg_id) exactly once.

Which ids stand in Silver is known as of a snapshot (spark_jobs/known.py), and a batch is appended
only if that is still so. Where another writer came first (a release, a rebuild, a second stream),
what it added is learnt and the batch is held against that. A trade may be days late and still
finds its place; the watermark only counts it as late.
"""

from datetime import UTC, datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from spark_jobs import quality, rejects, sinks, sources, tally
from spark_jobs.audit import Counts
from spark_jobs.known import Known
from spark_jobs.sinks import Batch, Conflict, OnceAppender
from spark_jobs.stream import Context, Pace
from spark_jobs.tally import Tally
from spark_jobs.transforms import met, ranges, silver

_LINE = ("exchange", "symbol")
# What a batch that is run again could not count as it did the first time.
_LATE = "firehose.rows-late"


class SilverJob:
    """Judges Bronze's rows, splits them, and appends what is valid and new."""

    name = tables.SILVER
    pace = Pace.FOLLOWING

    def __init__(self, context: Context) -> None:
        self._context = context
        self._rules = quality.rules(context.settings)
        self._silver = OnceAppender(tables.SILVER)
        self._quarantine = OnceAppender(tables.QUARANTINE)
        self._known = Known(tables.SILVER, _LINE, "agg_id")
        self._aside = Known(tables.QUARANTINE, met.LINE, met.OFFSET)
        self._limit = rejects.limit(context.settings)
        self._newest = 0  # event time, µs UTC

    def source(self) -> DataFrame:
        self._recall(self._context.spark)
        return sources.table_stream(self._context.spark, self._context.settings, tables.BRONZE)

    def process(self, rows: DataFrame, batch: Batch) -> Counts:
        judged = silver.judged(rows, self._rules).persist()
        try:
            found = self._tally(judged)
            self._set_aside(judged, found, batch)
            counts = self._append_new(judged, found, batch)
            self._newest = max(self._newest, found.newest)
            return counts
        finally:
            judged.unpersist()

    def _recall(self, spark: SparkSession) -> None:
        self._known.recall(spark)
        self._aside.recall(spark)
        self._limit = rejects.recalled_limit(spark, self._context.settings, self.name)
        self._newest = sources.newest_trade_micros(spark)

    def _tally(self, judged: DataFrame) -> Tally:
        watermark = self._newest - self._context.settings.watermark_minutes * 60_000_000
        self._context.pulse(self.name).watermark_micros = watermark if self._newest else None
        return tally.add_up(silver.blocks(judged, watermark).collect())

    def _set_aside(self, judged: DataFrame, found: Tally, batch: Batch) -> None:
        """Append what breaks a rule, each record once; RejectLimitError before it is too much."""
        spark = judged.sparkSession
        if self._quarantine.committed_rows(spark, batch) is not None:
            return
        self._limit.check(found.rows, found.failed, lambda: rejects.by_rule(judged))
        if not found.failed:
            return
        for _ in range(sinks.MOST_TRIES):
            try:
                return self._append_aside(judged.where(~silver.passes()), batch)
            except Conflict:  # the gap topic's stream sets aside as well
                self._quarantine.refuse_if_written(spark, batch)
                self._aside.catch_up(spark)
        raise sinks.crowded(tables.QUARANTINE)

    def _append_aside(self, bad: DataFrame, batch: Batch) -> None:
        """Append the bad rows that quarantine has not by now: all, but for a new checkpoint."""
        known = self._aside.within(bad.sparkSession, met.bounds(bad))
        fresh = bad if known is None else ranges.outside(bad, known, met.LINE, met.OFFSET)
        if known is not None and fresh.isEmpty():
            return
        rows = silver.quarantine_rows(fresh, F.lit(datetime.now(UTC)))
        # The offsets need not be learnt: this query does not come back to them.
        self._aside.as_of = self._quarantine.append_if_unchanged(rows, batch, self._aside.as_of, {})

    def _append_new(self, judged: DataFrame, found: Tally, batch: Batch) -> Counts:
        """Append the valid trades whose ids are not known; returns what became of the rows."""
        spark = judged.sparkSession
        done = self._silver.committed(spark, batch)
        if done is not None:
            return _counts(found, sinks.added(done), int(done.get(_LATE, "0")))
        for _ in range(sinks.MOST_TRIES):
            try:
                return _counts(found, self._try(judged, found, batch), found.late)
            except Conflict:
                self._silver.refuse_if_written(spark, batch)
                self._known.catch_up(spark)
        raise sinks.crowded(tables.SILVER)

    def _try(self, judged: DataFrame, found: Tally, batch: Batch) -> int:
        """Append what is unknown by now; returns how many trades. Conflict as the sink says."""
        unknown = found.unknown(self._known.of)
        count = tally.numbers(unknown)
        if not count:  # what is passed over as a duplicate must still be there
            sinks.refuse_if_changed(judged.sparkSession, tables.SILVER, self._known.as_of)
        else:
            rows = self._fresh(judged.where(silver.passes()), found, count)
            snapshot = self._silver.append_if_unchanged(
                silver.files(rows, count), batch, self._known.as_of, {_LATE: str(found.late)}
            )
            self._known.learn(unknown, snapshot)
        return count

    def _fresh(self, valid: DataFrame, found: Tally, count: int) -> DataFrame:
        """The trades that are unknown, `count` of them, each key once."""
        trades = silver.silver_rows(valid) if found.repeated else silver.trades(valid)
        if count == found.distinct():
            return trades
        known = self._known.within(valid.sparkSession, found.bounds())
        return trades if known is None else ranges.outside(trades, known, _LINE, "agg_id")


def _counts(found: Tally, fresh: int, late: int) -> Counts:
    return Counts(
        rows_in=found.rows,
        rows_out=fresh,
        rows_duplicate=found.rows - found.failed - fresh,
        rows_late=late,
        dq_fail=found.failed,
        rows_upserted=fresh,
        oldest_ingest=found.oldest_ingest,
    )
