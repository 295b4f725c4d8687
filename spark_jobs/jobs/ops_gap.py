"""Gap topic → ops_gap: what became of every gap that the producer noticed.

The topic is compacted and may be read again from its start at any time: each row knows where in
Kafka its message stood, and only a newer message changes it.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import structlog
from pyspark.sql import DataFrame, SparkSession

from lakehouse import tables
from spark_jobs import gaps, sinks, sources
from spark_jobs.audit import Counts
from spark_jobs.sinks import Batch, OnceAppender
from spark_jobs.stream import Context, Pace
from spark_jobs.transforms import gaps as transform

# A batch is read in the driver: so many of the longest values are 160 MB, of usual ones 3 MB.
_MOST_RECORDS = 10_000
_MOST_TOLD = 5
log = structlog.get_logger(__name__)


class GapJob:
    """Upserts what the gap topic says; what is no gap message goes to quarantine."""

    name = tables.GAP
    pace = Pace.UNHURRIED

    def __init__(self, context: Context) -> None:
        self._context = context
        self._quarantine = OnceAppender(tables.QUARANTINE)

    def source(self) -> DataFrame:
        settings = self._context.settings
        return sources.awaited_kafka_stream(
            self._context.spark, settings, settings.kafka_gap_topic, _MOST_RECORDS
        )

    def process(self, rows: DataFrame, batch: Batch) -> Counts:
        # Kept: a compacted topic need not give the same records when it is read once more.
        records = transform.kafka_records(rows).persist()
        try:
            found = transform.collected(records)
            judged = gaps.judge(found)
            self._set_aside(records, judged.rejected, batch)
            changed = _upsert(rows.sparkSession, judged.newest)
            return _counts(found, len(judged.rejected), changed)
        finally:
            records.unpersist()

    def _set_aside(
        self, records: DataFrame, rejected: Sequence[gaps.Rejected], batch: Batch
    ) -> None:
        if not rejected:
            return
        for each in rejected[:_MOST_TOLD]:
            log.warning(
                "no_gap_message", **each.place._asdict(), reason=each.reason, detail=each.detail
            )
        log.warning("gap_messages_set_aside", records=len(rejected))
        standing = sources.table(records.sparkSession, tables.QUARANTINE)
        aside = transform.quarantine_rows(records, rejected, standing, datetime.now(UTC))
        aside = aside.localCheckpoint()
        if not aside.isEmpty():
            self._quarantine.append(aside.coalesce(1), batch)


def _upsert(spark: SparkSession, newest: gaps.Newest) -> int:
    """Write the messages that are newer than their rows; returns how many those are."""
    if not newest:
        return 0
    bounds = _bounds(newest)
    news = gaps.news(newest, _standing(spark, newest, bounds))
    if news:
        rows = transform.gap_rows(spark, news, datetime.now(UTC))
        sinks.merge(rows.coalesce(1), tables.GAP, bounds)
    return len(news)


def _standing(
    spark: SparkSession, keys: Collection[gaps.Key], bounds: dict[str, object]
) -> dict[gaps.Key, gaps.Place]:
    """Where the messages stood that the rows of these gaps come from."""
    view = "standing_source"
    transform.key_rows(spark, keys).createOrReplaceTempView(view)
    statement = tables.statement(tables.GAP, "standing").format(source=view)
    rows = spark.sql(statement, args=bounds).collect()
    return {transform.key_of(row): transform.place_of(row) for row in rows}


def _bounds(keys: Collection[gaps.Key]) -> dict[str, object]:
    symbols, ids = [key[1] for key in keys], [key[2] for key in keys]
    return {
        "first_symbol": min(symbols),
        "last_symbol": max(symbols),
        "lowest_id": min(ids),
        "highest_id": max(ids),
    }


def _counts(found: Sequence[gaps.Record], failed: int, changed: int) -> Counts:
    """What changed nothing, tombstones too, counts as a duplicate."""
    return Counts(
        rows_in=len(found),
        rows_out=changed,
        rows_duplicate=len(found) - failed - changed,
        dq_fail=failed,
        rows_upserted=changed,
        oldest_ingest=min((record.place.at for record in found), default=None),
    )
