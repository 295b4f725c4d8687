"""Gap topic → ops_gap: what became of every gap that the producer noticed.

The topic is compacted and may be read again from its start at any time: each row knows where in
Kafka its message stood, and only a newer message changes it.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import structlog
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

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
        self._gaps = OnceAppender(tables.GAP)
        self._quarantine = OnceAppender(tables.QUARANTINE)

    def source(self) -> DataFrame:
        settings = self._context.settings
        return sources.awaited_kafka_stream(
            self._context.spark, settings, settings.kafka_gap_topic, _MOST_RECORDS
        )

    def process(self, rows: DataFrame, batch: Batch) -> Counts:
        records = transform.kafka_records(rows)
        found = transform.collected(records)
        judged = gaps.judge(found)
        self._set_aside(records, judged.rejected, batch)
        changed = self._upsert(rows.sparkSession, judged.newest, batch) if judged.newest else 0
        return _counts(found, len(judged.rejected), changed)

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
        # This reads the batch once more. A record that compaction takes in between, which a newer
        # one of its key must have replaced, is in the log and in dq_fail alone.
        standing = sources.table(records.sparkSession, tables.QUARANTINE)
        aside = transform.quarantine_rows(records, rejected, standing, datetime.now(UTC))
        aside = aside.localCheckpoint()
        if not aside.isEmpty():
            self._quarantine.append(aside.coalesce(1), batch)

    def _upsert(self, spark: SparkSession, newest: gaps.Newest, batch: Batch) -> int:
        """Write the messages that are newer than their rows; returns how many those are."""
        standing = _standing(spark, newest)
        news = gaps.news(newest, standing)
        if not news:
            return 0
        rows = transform.gap_rows(spark, news, datetime.now(UTC)).coalesce(1)
        if standing:
            sinks.merge(rows, tables.GAP, _bounds(newest))
        else:  # a third of a merge's time, and most gaps are opened and closed in one batch
            self._gaps.append(rows, batch)
        return len(news)


def _standing(spark: SparkSession, keys: Collection[gaps.Key]) -> dict[gaps.Key, gaps.Place]:
    """Where the messages stood that the rows of these gaps come from."""
    exchanges, symbols, ids = (sorted(set(names)) for names in zip(*keys, strict=True))
    within = F.col("exchange").isin(exchanges) & F.col("symbol").isin(symbols)
    rows = sources.table(spark, tables.GAP, within & F.col("from_id").isin(ids))
    found = dict(transform.key_and_place(row) for row in transform.placed(rows).collect())
    return {key: place for key, place in found.items() if key in keys}


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
