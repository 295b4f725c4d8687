"""Maintenance on real tables: what becomes fewer, and what must stay."""

import json
import os
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse import tables
from lakehouse.errors import ResourceError
from lakehouse.settings import Settings
from spark_jobs import lease, snapshots
from spark_jobs.maintenance.run import LEASE
from spark_jobs.sinks import Batch, OnceAppender
from spark_jobs.transforms.bronze import bronze_rows
from tests.spark.feeding import ANY_SYMBOL, kafka_records
from tests.spark.maintaining import (
    at_once,
    content,
    files_by_hour,
    follow,
    maintained,
    small_commits,
    snapshot_ids,
)
from tests.spark.test_streams import encoded, trade

STEPS = ("compact", "manifests", "expire")
STREAM = "01234567-89ab-cdef-0123-456789abcdef"
OTHER = "11234567-89ab-cdef-0123-456789abcdef"


def commit(spark: SparkSession, query: str, number: int) -> None:
    """A batch of a stream into Bronze."""
    rows = bronze_rows(kafka_records(spark, encoded([trade(number)]), number), ANY_SYMBOL)
    OnceAppender(tables.BRONZE).append(rows, Batch(query, number))


def test_small_files_become_one_an_hour_beside_streams_that_go_on(
    spark: SparkSession, lake: Settings
) -> None:
    settings = at_once(lake)
    small_commits(spark, 0, 3)
    follow(spark, lake)
    small_commits(spark, 3, 2)  # Silver's stream has not read these when all is maintained
    before = {table: content(spark, table) for table in (tables.BRONZE, tables.SILVER)}
    assert files_by_hour(spark, tables.BRONZE, "event_ts") == {0: 5, 1: 5, 2: 5}

    looked = maintained(spark, settings, [tables.BRONZE], STEPS, dry_run=True)
    assert looked[tables.BRONZE, "compact"].did == {"hours": 2}
    assert looked[tables.BRONZE, "expire"].did["snapshots"] > 0
    assert {table: content(spark, table) for table in before} == before
    assert files_by_hour(spark, tables.BRONZE, "event_ts") == {0: 5, 1: 5, 2: 5}
    assert spark.table(tables.full_name(tables.AUDIT)).where("job LIKE 'maintain%'").isEmpty()

    done = maintained(spark, settings, [tables.BRONZE, tables.SILVER], STEPS)
    compacted = done[tables.BRONZE, "compact"]
    assert compacted.did == {"rewritten": 10, "added": 2, "skipped": 0}
    assert (compacted.before.files, compacted.after.files) == (15, 7)
    assert files_by_hour(spark, tables.BRONZE, "event_ts") == {0: 1, 1: 1, 2: 5}, "newest hour"
    assert all(n <= 2 for n in list(files_by_hour(spark, tables.SILVER, "event_ts").values())[:2])
    assert {table: content(spark, table) for table in before} == before
    assert done[tables.BRONZE, "expire"].did["snapshots"] > 0

    rows = spark.table(tables.full_name(tables.AUDIT)).where("job LIKE 'maintain%'").collect()
    told = {row["job"]: json.loads(row["details"]) for row in rows}
    assert len(rows) == len(done), "a row for each table and step"
    assert told[f"maintain:compact:{tables.BRONZE}"]["after"]["files"] == 7
    assert {row["status"] for row in rows} == {"ok"}

    follow(spark, lake)  # from where they stood
    assert spark.table(tables.full_name(tables.SILVER)).count() == 15
    gold = spark.table(tables.full_name(tables.GOLD)).selectExpr("sum(trades) AS n").collect()
    assert gold[0]["n"] == 15
    audit = spark.table(tables.full_name(tables.AUDIT)).where(f"job = '{tables.SILVER}'")
    assert audit.selectExpr("sum(rows_in) AS n").collect()[0]["n"] == 15, "read once each"


def test_what_a_stream_has_not_read_stays_however_old(spark: SparkSession, lake: Settings) -> None:
    small_commits(spark, 0, 2, hours=1)
    follow(spark, lake, [tables.SILVER])
    read = snapshot_ids(spark, tables.BRONZE)
    small_commits(spark, 2, 3, hours=1)
    unread = snapshot_ids(spark, tables.BRONZE)[len(read) :]
    done = maintained(spark, at_once(lake), [tables.BRONZE, tables.SILVER], ["expire"])
    # The last that was read stays, and the one before.
    assert snapshot_ids(spark, tables.BRONZE) == [*read[-2:], *unread]
    assert done[tables.SILVER, "expire"].did["snapshots"] == 0
    assert "crypto_gold_minute" in done[tables.SILVER, "expire"].did["held"]
    follow(spark, lake)
    assert spark.table(tables.full_name(tables.SILVER)).count() == 5


def test_the_last_batch_of_each_stream_is_known_for_ever(
    spark: SparkSession, lake: Settings
) -> None:
    settings = at_once(lake)
    for number in range(3):
        commit(spark, STREAM, number)
    for number in range(3, 6):
        commit(spark, OTHER, number)
    commit(spark, "failed-" + "a" * 32, 6)
    small_commits(spark, 7, 2, hours=1)
    follow(spark, lake, [tables.SILVER])
    assert maintained(spark, settings, [tables.BRONZE], ["expire"])
    appender = OnceAppender(tables.BRONZE)
    assert appender.committed_rows(spark, Batch(STREAM, 2)) == 1, "a restart would ask for it"
    assert OnceAppender(tables.BRONZE).committed_rows(spark, Batch(OTHER, 5)) == 1
    assert OnceAppender(tables.BRONZE).committed_rows(spark, Batch(STREAM, 1)) is None
    assert OnceAppender(tables.BRONZE).committed_rows(spark, Batch("failed-" + "a" * 32, 6)) is None
    assert len(snapshot_ids(spark, tables.BRONZE)) == 4


def test_snapshots_with_a_name_and_young_ones_stay(spark: SparkSession, lake: Settings) -> None:
    full = tables.full_name(tables.GAP)
    for number in range(4):
        spark.sql(
            f"INSERT INTO {full} (symbol, from_id, detected_at) "
            f"VALUES ('A', {number}, timestamp_seconds({number}))"
        )
    ids = snapshot_ids(spark, tables.GAP)
    spark.sql(f"ALTER TABLE {full} CREATE TAG audited AS OF VERSION {ids[0]}")
    spark.sql(f"ALTER TABLE {full} CREATE BRANCH what_if AS OF VERSION {ids[1]}")
    assert maintained(spark, lake, [tables.GAP], ["expire"])
    assert snapshot_ids(spark, tables.GAP) == ids, "SNAPSHOT_KEEP_MINUTES are not over"
    assert maintained(spark, at_once(lake), [tables.GAP], ["expire"])
    assert snapshot_ids(spark, tables.GAP) == [ids[0], ids[1], ids[3]]
    assert spark.sql(f"SELECT * FROM {full} VERSION AS OF 'audited'").count() == 1


def test_orphans_go_once_they_are_old(spark: SparkSession, lake: Settings) -> None:
    small_commits(spark, 0, 1, hours=1)
    located = str(snapshots.load(spark, tables.BRONZE).location()).removeprefix("file:")
    folder = Path(located, "data")
    old, young = folder / "left-behind.parquet", folder / "being-written.parquet"
    for path in (old, young):
        path.write_bytes(b"half a file")
    days_ago = time.time() - 4 * 86_400
    os.utime(old, (days_ago, days_ago))
    looked = maintained(spark, lake, [tables.BRONZE], ["orphans"], dry_run=True)
    assert looked[tables.BRONZE, "orphans"].did["files"] == 1
    assert old.exists()
    maintained(spark, lake, [tables.BRONZE], ["orphans"])
    assert (old.exists(), young.exists()) == (False, True)
    assert spark.table(tables.full_name(tables.BRONZE)).count() == 1


def test_quarantine_goes_by_whole_days_once_all_of_a_day_is_released(
    spark: SparkSession, lake: Settings
) -> None:
    full = tables.full_name(tables.QUARANTINE)
    for offset, held, freed in ((1, 20, 15), (2, 20, 15), (3, 19, 15), (4, 19, None), (5, 18, 1)):
        released = "NULL" if freed is None else f"now() - INTERVAL {freed} DAYS"
        spark.sql(
            f"INSERT INTO {full} (kafka_offset, quarantined_at, released_at) "
            f"VALUES ({offset}, date_trunc('DAY', now()) - INTERVAL {held} DAYS, {released})"
        )
    maintained(spark, lake, [tables.QUARANTINE], ["retention"])
    assert spark.table(full).count() == 5, "for ever by default"
    settings = lake.model_copy(update={"quarantine_retention_days": 10})
    done = maintained(spark, settings, [tables.QUARANTINE], ["retention"])
    assert done[tables.QUARANTINE, "retention"].did == {"rows": 2}
    left = [row["kafka_offset"] for row in spark.table(full).orderBy("kafka_offset").collect()]
    assert left == [3, 4, 5], "one waits still, the other was released the other day"


def test_two_do_not_maintain_one_lake(spark: SparkSession, lake: Settings) -> None:
    refused = pytest.raises(ResourceError, match="maintenance of this lake: the streams")
    with lease.held(spark, lake, [LEASE], "one", "the streams"), refused:
        with_the_lease(spark, lake)
    with_the_lease(spark, lake)


def with_the_lease(spark: SparkSession, lake: Settings) -> None:
    with lease.held(spark, lake, [LEASE], "other", "firehose maintain"):
        pass
