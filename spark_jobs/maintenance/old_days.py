"""Whole days of Bronze and ops_audit go once they are old: their files, and no other's.

What goes is noted in the table's properties by the same commit (lakehouse/retention.py), so that
proofs and checks count it on.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from lakehouse import retention, tables
from lakehouse.retention import Removed
from lakehouse.settings import Settings
from spark_jobs import snapshots
from spark_jobs.maintenance.layouts import LAYOUTS
from spark_jobs.maintenance.positions import position
from spark_jobs.snapshot_sources import as_of


@dataclass(frozen=True)
class Taken:
    """So many rows of so many days and files; `held`: why others that are as old stay."""

    rows: int = 0
    days: int = 0
    files: int = 0
    held: str = ""


def take(spark: SparkSession, settings: Settings, table: str, days: int, dry_run: bool) -> Taken:
    """Take the days away that are older than so many days; a dry run only tells of them."""
    loaded = snapshots.load(spark, table)
    snapshot = snapshots.current_id(loaded)
    before = _midnight(datetime.now(UTC) - timedelta(days=days))
    if table == tables.AUDIT:
        before = min(before, _audited_since(spark))
    found = _by_day(spark, table, snapshot, before)
    old = {day: row for day, row in found.items() if row["old"]}
    unread = _unread(spark, settings, table, loaded, old, before)
    gone = [row for day, row in old.items() if day not in unread]
    files = [path for row in gone for path in row["files"]]
    held = f"{len(unread)} days wait for their reader" if unread else ""
    if files and int(loaded.currentSnapshot().summary().get("total-delete-files") or 0):
        return Taken(held="it has position deletes: its files don't tell what they hold")
    rows = sum(row["rows"] for row in gone)
    if files and not dry_run:
        taken = Removed(before, rows, _sums(spark, table, snapshot, before))
        _remove(spark, loaded, files, snapshots.removed(loaded).and_also(taken))
    return Taken(rows, len(gone), len(files), held)


def _by_day(
    spark: SparkSession, table: str, snapshot: int | None, before: datetime
) -> dict[date, Row]:
    """What a table held of days before `before` at a snapshot, by the statistics of its files.

    A file holds rows of one day: all partitions are days, or hours.
    """
    layout = LAYOUTS[table]
    metrics = [f"readable_metrics.{each}" for each in layout.ages]
    at = F.col(f"readable_metrics.{layout.time}.upper_bound")
    old = F.array(
        *(F.col(f"{each}.upper_bound") < F.lit(before) for each in metrics),
        *(F.col(f"{each}.null_value_count") == 0 for each in metrics),
    )
    files = spark.read.option("versionAsOf", str(snapshot))
    rows = files.table(f"{tables.full_name(table)}.data_files").where(at < F.lit(before))
    days = rows.groupBy(F.to_date(at).alias("day")).agg(
        F.every(F.forall(old, lambda each: F.coalesce(each, F.lit(False)))).alias("old"),
        F.sum("record_count").alias("rows"),
        F.collect_list("file_path").alias("files"),
    )
    return {row["day"]: row for row in days.collect()}


def _unread(
    spark: SparkSession,
    settings: Settings,
    table: str,
    loaded: Any,
    old: dict[date, Row],
    before: datetime,
) -> set[date]:
    """The days of which the stream that reads the table may not have read all."""
    reader = LAYOUTS[table].reader
    if reader is None or not old:
        return set()
    at = position(spark, f"{settings.checkpoints}/{reader}").snapshot
    snapshot = None if at is None else loaded.snapshot(at)
    # The one before: a snapshot may have been read in part.
    parent = None if snapshot is None else snapshot.parentId()
    if parent is None or loaded.snapshot(parent) is None:
        return set(old)
    read = _by_day(spark, table, int(parent), before)
    return {day for day, row in old.items() if day not in read or read[day]["rows"] != row["rows"]}


def _audited_since(spark: SparkSession) -> datetime:
    """Rows that Silver's history still asks for are younger: those of its releases."""
    found = spark.table(f"{tables.full_name(tables.SILVER)}.snapshots")
    row = found.agg(F.min(F.unix_seconds("committed_at")).alias("at")).collect()[0]
    if row["at"] is None:
        return retention.BEGINNING
    return _midnight(datetime.fromtimestamp(row["at"], UTC) - timedelta(days=1))


def _sums(
    spark: SparkSession, table: str, snapshot: int | None, before: datetime
) -> dict[str, int]:
    """What Silver's stream read in the batches that go, by its queries."""
    if table != tables.AUDIT:
        return {}
    old = as_of(spark, table, snapshot).where(F.col("started_at") < F.lit(before))
    of_stream = old.where((F.col("job") == tables.SILVER) & (F.col("status") == "ok"))
    sums = of_stream.groupBy("query_id").agg(F.sum("rows_in").alias("rows"))
    return {row["query_id"]: row["rows"] for row in sums.collect()}


def _remove(spark: SparkSession, loaded: Any, files: list[str], noted: Removed) -> None:
    """Files and note in one commit; refused where another writer took one of the files."""
    jvm: Any = spark.sparkContext._jvm
    change = loaded.newTransaction()
    delete = change.newDelete()
    delete.validateFilesExist()
    for path in files:
        # Never a String: Py4J would find an inner method that removes the file itself, at once.
        delete.deleteFile(jvm.java.lang.StringBuilder(path))
    delete.set(retention.ROWS, str(noted.rows))
    delete.commit()
    properties = change.updateProperties()
    for name, value in noted.properties.items():
        properties = properties.set(name, value)
    properties.commit()
    change.commitTransaction()


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
