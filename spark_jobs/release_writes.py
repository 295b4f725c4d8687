"""The writes of a release, each safe to repeat: Silver, the mark in quarantine, the audit."""

import json
import random
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Final

from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from lakehouse.child import tell
from spark_jobs import sinks, snapshots, sources
from spark_jobs.audit import Auditor, Counts
from spark_jobs.sinks import Batch, Conflict
from spark_jobs.snapshot_sources import appended
from spark_jobs.status import StatusFile
from spark_jobs.transforms import release as transform
from spark_jobs.transforms import silver

NAME: Final = "release"
COUNTS: Final = "firehose.release"
_PREFIX: Final = f"{NAME}-"
# A stream commits every second or two: most tries fall between two of its commits.
_MOST_TRIES: Final = 40
_MOST_PAUSE_SECONDS: Final = 0.5


def batch_of(run_id: str) -> Batch:
    """The identity of a release's one batch."""
    return Batch(f"{_PREFIX}{run_id}", 0)


def with_fresh(counts: Counts, fresh: int) -> Counts:
    """Counts in which every valid row is a duplicate, now that `fresh` of them were none."""
    duplicates = counts.rows_duplicate - fresh
    return replace(counts, rows_out=fresh, rows_upserted=fresh, rows_duplicate=duplicates)


def fresh(spark: SparkSession, trades: DataFrame) -> DataFrame:
    """The trades that Silver has not, as it stands now."""
    return transform.unknown(trades, sources.table(spark, tables.SILVER, _bounds(trades)))


def into_silver(trades: DataFrame, batch: Batch, counts: Counts) -> int:
    """Append the trades that Silver has not, in one commit; returns how many those were.

    The commit holds only if Silver is still what it was looked at. Where a stream came first, what
    it added is taken away from what is to be added, and the commit is tried again.
    """
    spark = trades.sparkSession
    since = sinks.snapshot_id(spark, tables.SILVER)
    rest = fresh(spark, trades).localCheckpoint()
    for _ in range(_MOST_TRIES):
        count = rest.count()
        if not count:
            return 0
        found = {COUNTS: json.dumps(asdict(with_fresh(counts, count)))}
        try:
            _append(rest, count, since, {**batch.properties, **found})
            return count
        except Conflict:
            tell("Silver has changed meanwhile: its new trades are looked at")
            time.sleep(random.uniform(0, _MOST_PAUSE_SECONDS))
            since, rest = _learned(rest, since)
    raise sinks.crowded(tables.SILVER)


def mark(changes: DataFrame) -> None:
    """Write what became of the records into quarantine."""
    rows = changes.localCheckpoint()
    [found] = rows.agg(
        F.min(F.unix_micros("quarantined_at")), F.max(F.unix_micros("quarantined_at"))
    ).collect()
    if found[0] is None:
        return
    bounds: dict[str, object] = {"first_at": _instant(found[0]), "last_at": _instant(found[1])}
    for _ in range(_MOST_TRIES):
        try:
            sinks.merge(rows.drop("quarantined_at"), tables.QUARANTINE, bounds)
            return
        except Conflict:
            time.sleep(random.uniform(0, _MOST_PAUSE_SECONDS))
    raise sinks.crowded(tables.QUARANTINE)


def settle(spark: SparkSession) -> None:
    """Write the audit rows of releases that were killed after their commit to Silver."""
    for row in unaudited(spark):
        run_id = row["query"].removeprefix(_PREFIX)
        with Auditor(run_id, NAME, StatusFile(None)).watching(spark, batch_of(run_id)) as record:
            record.started_at = _instant(row["at"])
            record.counts = Counts(**json.loads(row["counts"]))


def _append(rows: DataFrame, count: int, since: int | None, properties: dict[str, str]) -> None:
    sinks.append_if_unchanged(silver.files(rows, count), tables.SILVER, since, properties)


def _learned(rest: DataFrame, since: int | None) -> tuple[int | None, DataFrame]:
    """Silver's newest snapshot, and what of `rest` is still unknown to it."""
    spark = rest.sparkSession
    loaded = snapshots.load(spark, tables.SILVER)
    newest = snapshots.current_id(loaded)
    if since is None or newest is None or not snapshots.only_grown(loaded, since):
        return newest, fresh(spark, rest).localCheckpoint()
    standing = appended(spark, tables.SILVER, since, newest)
    return newest, transform.unknown(rest, standing).localCheckpoint()


def _bounds(trades: DataFrame) -> Column:
    """A condition that all of Silver's rows with these keys keep, and few others."""
    names = [row["symbol"] for row in trades.select("symbol").distinct().collect()]
    [found] = trades.agg(F.min("agg_id"), F.max("agg_id")).collect()
    if not names:
        return F.lit(False)
    return F.col("symbol").isin(names) & F.col("agg_id").between(found[0], found[1])


def unaudited(spark: SparkSession) -> list[Row]:
    """The releases that Silver's history names and ops_audit does not: query, counts, at (µs)."""
    query = f"summary['{sinks.QUERY}']"
    done = spark.table(f"{tables.full_name(tables.SILVER)}.snapshots").where(
        F.expr(f"summary['{COUNTS}'] IS NOT NULL")
    )
    found = done.select(
        F.expr(query).alias("query"),
        F.expr(f"summary['{COUNTS}']").alias("counts"),
        F.unix_micros("committed_at").alias("at"),
    ).collect()
    if not found:
        return []
    since = _instant(min(row["at"] for row in found) - 86_400_000_000)
    audited = sources.table(
        spark, tables.AUDIT, (F.col("job") == NAME) & (F.col("started_at") >= since)
    )
    known = {row["query_id"] for row in audited.where("status = 'ok'").select("query_id").collect()}
    return [row for row in found if row["query"] not in known]


def _instant(micros: int) -> datetime:
    # In whole numbers: a float of so many microseconds would be a microsecond off.
    seconds, rest = divmod(micros, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
