"""Gold stays a function of Silver while others rewrite either of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse import tables
from lakehouse.settings import Settings
from spark_jobs import sinks, sources, stream
from spark_jobs.audit import Counts
from spark_jobs.jobs.crypto_gold_minute import GoldJob
from spark_jobs.sinks import Batch
from tests.spark.feeding import feed_bronze, run_streams
from tests.spark.test_streams import MINUTE, START, encoded, trade

SILVER, GOLD = tables.full_name(tables.SILVER), tables.full_name(tables.GOLD)


def silver_of(spark: SparkSession, lake: Settings) -> DataFrame:
    """Nine trades in three minutes."""
    feed_bronze(spark, encoded([trade(n, START + n // 3 * MINUTE) for n in range(9)]))
    run_streams(spark, lake, [tables.SILVER])
    return sources.table(spark, tables.SILVER)


def gold_job(spark: SparkSession, lake: Settings) -> GoldJob:
    job = GoldJob(stream.Context(spark, lake, run_id="test-run"))
    job.source()
    return job


def trades_by_minute(spark: SparkSession) -> list[int]:
    return [row["trades"] for row in spark.table(GOLD).orderBy("minute_ts").collect()]


def test_silver_is_rewritten_while_gold_counts(
    spark: SparkSession, lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, merge = silver_of(spark, lake), sinks.merge
    merges: list[int] = []

    def merge_and_rebuild(changed: DataFrame, table: str, bounds: dict[str, object]) -> None:
        merge(changed, table, bounds)
        if not merges:
            spark.sql(f"DELETE FROM {SILVER} WHERE agg_id = 4")
        merges.append(changed.count())

    monkeypatch.setattr(sinks, "merge", merge_and_rebuild)
    gold_job(spark, lake).process(rows, Batch("q", 0))
    assert trades_by_minute(spark) == [3, 2, 3]
    assert len(merges) == 2


def test_two_streams_fill_gold_at_once(spark: SparkSession, lake: Settings) -> None:
    rows = silver_of(spark, lake).localCheckpoint()
    jobs = [gold_job(spark, lake) for _ in range(2)]

    def work(number: int) -> Counts:
        # A view of one session must not be taken for that of the other.
        own = rows.sparkSession.newSession()
        return jobs[number].process(sources.table(own, tables.SILVER), Batch(f"q{number}", 0))

    with ThreadPoolExecutor() as pool:
        counted = list(pool.map(work, range(2)))
    assert [counts.rows_in for counts in counted] == [9, 9]
    assert trades_by_minute(spark) == [3, 3, 3]
