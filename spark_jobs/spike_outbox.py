"""The outbox `ops_spike`: each spike of Gold is entered once for ever, and what became of it.

Gold's job enters, the sender marks. An entry is a conditional append: it is decided from what the
table holds, and refused where anybody has changed that meanwhile.
"""

import threading
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from queue import Queue
from typing import Final

import structlog
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from lakehouse.spike_event import SpikeEvent, event_id
from spark_jobs import sinks, snapshots, sources
from spark_jobs.snapshot_sources import as_of
from spark_jobs.spike_line import PENDING, STATUSES, Entry, Mark
from spark_jobs.tries import until_taken

# Property of the table: when the outbox began. What Gold held before is no news.
SINCE: Final = "firehose.spikes-since"

_KEY = ("exchange", "symbol", "minute_ts")
_AMOUNTS = (
    "open", "high", "low", "close", "volume", "quote_volume", "vwap_1m", "volume_5m",
    "price_ma_30m", "return_1m",
)  # fmt: skip
_AS_THEY_ARE = ("exchange", "symbol", "trades", "spike_reasons", "is_final")
# Times cross between Spark and Python as numbers: a Python datetime would be in local time.
_ROW = (
    "exchange STRING, symbol STRING, minute_ts BIGINT, event_id STRING, body STRING, "
    "detected_at BIGINT, status STRING, attempts INT, delivered_at BIGINT, last_error STRING, "
    "updated_at BIGINT"
)
_MARK = (
    "event_id STRING, status STRING, attempts INT, delivered_at BIGINT, last_error STRING, "
    "updated_at BIGINT"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
log = structlog.get_logger(__name__)


class Outbox:
    """One for all threads of an application; `news` gets what is entered."""

    def __init__(self) -> None:
        self.news: Queue[list[Entry]] = Queue()
        self._turn = threading.Lock()

    def begin(self, spark: SparkSession) -> datetime:
        """When the outbox began: now, the first time."""
        told = snapshots.load(spark, tables.SPIKE).properties().get(SINCE)
        if told is None:
            told = datetime.now(UTC).isoformat()
            name = tables.full_name(tables.SPIKE)
            spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('{SINCE}' = '{told}')")
            log.info("outbox_begins", since=told)
        return datetime.fromisoformat(told)

    def enrol(self, spark: SparkSession, where: Column, since: datetime) -> int:
        """Enter the spikes of Gold in these minutes that changed since `since` and are not there.

        Returns how many those are. StackError where every try met another writer.
        """
        entries = until_taken(tables.SPIKE, lambda: self._enter(spark, where, since))
        if entries:
            log.info("spikes_found", events=[entry.event_id for entry in entries])
            self.news.put(entries)
        return len(entries)

    def _enter(self, spark: SparkSession, where: Column, since: datetime) -> list[Entry]:
        with self._turn:
            at = sinks.snapshot_id(spark, tables.SPIKE)
            now = datetime.now(UTC)
            rows = [_entered(row, now) for row in _new(spark, where, since, at)]
            if rows:
                entered = _with_times(spark.createDataFrame(rows, _ROW)).coalesce(1)
                sinks.append_if_unchanged(entered, tables.SPIKE, at, {})
        return [Entry(str(row[3]), str(row[4]), now) for row in rows]

    def unfinished(self, spark: SparkSession, statuses: Collection[str]) -> list[Entry]:
        """The entries of these statuses, the oldest first."""
        rows = sources.table(spark, tables.SPIKE, F.col("status").isin(*statuses))
        told = rows.select("event_id", "body", F.unix_micros("detected_at").alias("at"), "attempts")
        found = sorted(told.collect(), key=lambda row: (row["at"], row["event_id"]))
        return [
            Entry(row["event_id"], row["body"], _instant(row["at"]), row["attempts"])
            for row in found
        ]

    def counts(self, spark: SparkSession) -> dict[str, int]:
        """How many entries have which status."""
        grouped = sources.table(spark, tables.SPIKE).groupBy("status").count()
        found = {row["status"]: row["count"] for row in grouped.collect()}
        return {status: found.get(status, 0) for status in STATUSES}

    def mark(self, spark: SparkSession, marks: Sequence[Mark]) -> None:
        """Write what became of entries. StackError where every try met another writer."""
        times = [mark.entry.detected_at for mark in marks]
        bounds: dict[str, object] = {"first_detected": min(times), "last_detected": max(times)}
        now = micros(datetime.now(UTC))
        rows = spark.createDataFrame([_marked(mark, now) for mark in marks], _MARK)
        changed = rows.withColumns(
            {name: F.timestamp_micros(name) for name in ("delivered_at", "updated_at")}
        ).coalesce(1)

        def merge() -> None:
            with self._turn:
                sinks.merge(changed, tables.SPIKE, bounds)

        until_taken(tables.SPIKE, merge)


def _new(spark: SparkSession, where: Column, since: datetime, at: int | None) -> list[Row]:
    spikes = sources.table(spark, tables.GOLD, where).where(F.col("spike"))
    spikes = spikes.where(F.col("updated_at") >= F.lit(since))
    known = as_of(spark, tables.SPIKE, at).where(where).select(*_KEY)
    news = spikes.join(known, [*_KEY], "left_anti")
    second = F.unix_seconds("minute_ts").alias("second")
    return news.select(*_AS_THEY_ARE, *_AMOUNTS, second).collect()


def _entered(row: Row, now: datetime) -> tuple[object, ...]:
    """A row of Gold as a row of the outbox; `_ROW` names the places."""
    minute = datetime.fromtimestamp(row["second"], UTC)
    name = event_id(row["exchange"], row["symbol"], minute)
    event = SpikeEvent.model_validate(
        {
            "event_id": name,
            "minute_ts": minute,
            "detected_at": now,
            **{column: row[column] for column in _AS_THEY_ARE},
            **{column: format(row[column], "f") for column in _AMOUNTS},
        }
    )
    at = micros(now)
    return (
        event.exchange, event.symbol, row["second"] * 1_000_000, name, event.body(), at,
        PENDING, 0, None, None, at,
    )  # fmt: skip


def _marked(mark: Mark, now: int) -> tuple[object, ...]:
    delivered = None if mark.delivered_at is None else micros(mark.delivered_at)
    entry = mark.entry
    return (entry.event_id, mark.status, entry.attempts, delivered, mark.last_error, now)


def _with_times(rows: DataFrame) -> DataFrame:
    names = ("minute_ts", "detected_at", "delivered_at", "updated_at")
    return rows.withColumns({name: F.timestamp_micros(name) for name in names})


def micros(at: datetime) -> int:
    """µs since 1970 UTC."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def _instant(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
