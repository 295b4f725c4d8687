"""Each Kafka record one row of Bronze: read again, read by two, and offsets that lie."""

from collections.abc import Sequence

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from lakehouse.errors import StreamError
from lakehouse.settings import Settings
from spark_jobs import sinks, stream
from spark_jobs.jobs.crypto_bronze_aggtrade import BronzeJob
from spark_jobs.sinks import Batch
from tests.spark.feeding import kafka_records
from tests.spark.test_streams import encoded, trade

FULL = tables.full_name(tables.BRONZE)


@pytest.fixture
def topic(spark: SparkSession, lake: Settings) -> DataFrame:
    """Forty records of partition 0."""
    return kafka_records(spark, encoded([trade(100 + n) for n in range(40)])).localCheckpoint()


def bronze_job(spark: SparkSession, settings: Settings) -> BronzeJob:
    named = settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:9"})
    job = BronzeJob(stream.Context(spark, named, run_id="test-run"))
    job.source()  # the broker is asked when the stream starts, which it does not here
    return job


def part(topic: DataFrame, first: int, end: int) -> DataFrame:
    return topic.where(F.col("offset").between(first, end - 1))


def offsets(spark: SparkSession) -> list[int]:
    return sorted(row["kafka_offset"] for row in spark.table(FULL).collect())


def fed(job: BronzeJob, rows: DataFrame, query: str, number: int) -> tuple[int, int, int]:
    counts = job.process(rows, Batch(query, number))
    return counts.rows_in, counts.rows_out, counts.rows_duplicate


def test_a_topic_read_again_from_its_start(
    spark: SparkSession, lake: Settings, topic: DataFrame
) -> None:
    job = bronze_job(spark, lake)
    assert fed(job, part(topic, 0, 10), "q", 0) == (10, 10, 0)
    assert fed(job, part(topic, 10, 20), "q", 1) == (10, 10, 0)
    anew = bronze_job(spark, lake)
    before = sinks.snapshot_id(spark, tables.BRONZE)
    assert fed(anew, part(topic, 0, 15), "new", 0) == (15, 0, 15)
    assert sinks.snapshot_id(spark, tables.BRONZE) == before
    assert fed(anew, part(topic, 15, 25), "new", 1) == (10, 5, 5)
    assert fed(anew, part(topic, 25, 40), "new", 2) == (15, 15, 0)
    assert offsets(spark) == list(range(40))
    # A batch that is run again after a crash counts as it did.
    assert fed(bronze_job(spark, lake), part(topic, 15, 25), "new", 1) == (10, 5, 5)


def test_two_jobs_on_one_topic(spark: SparkSession, lake: Settings, topic: DataFrame) -> None:
    one, other = bronze_job(spark, lake), bronze_job(spark, lake)
    assert fed(one, part(topic, 0, 10), "one", 0) == (10, 10, 0)
    assert fed(other, part(topic, 0, 15), "other", 0) == (15, 5, 10)
    assert fed(one, part(topic, 10, 20), "one", 1) == (10, 5, 5)
    assert fed(other, part(topic, 15, 20), "other", 1) == (5, 0, 5)
    assert fed(other, part(topic, 20, 30), "other", 2) == (10, 10, 0)
    assert fed(one, part(topic, 20, 40), "one", 2) == (20, 10, 10)
    assert offsets(spark) == list(range(40))


def test_a_partition_that_comes_into_sight_late(
    spark: SparkSession, lake: Settings, topic: DataFrame
) -> None:
    """The first batches have nothing of it, so they are not what tells that it is known."""
    second = topic.withColumn("partition", F.lit(1))
    job = bronze_job(spark, lake)
    fed(job, part(second, 0, 10), "q", 0)
    anew = bronze_job(spark, lake)
    assert fed(anew, part(topic, 0, 5), "new", 0) == (5, 5, 0)
    both = part(topic, 5, 10).union(part(second, 0, 12))
    assert fed(anew, both, "new", 1) == (17, 7, 10)
    assert spark.table(FULL).select("kafka_partition", "kafka_offset").distinct().count() == 22
    assert spark.table(FULL).count() == 22


@pytest.mark.parametrize("other", ["time", "key"])
def test_a_topic_made_anew_under_its_name_is_no_duplicate(
    spark: SparkSession, lake: Settings, topic: DataFrame, other: str
) -> None:
    fed(bronze_job(spark, lake), part(topic, 0, 10), "q", 0)
    impostor = {
        "time": topic.withColumn("timestamp", F.expr("timestamp + INTERVAL 1 SECOND")),
        "key": _with_time(spark, topic, [trade(500 + n) for n in range(40)]),
    }[other]
    job = bronze_job(spark, lake)
    for _ in range(2):  # it stays so, however often it is tried
        with pytest.raises(StreamError, match=r"partition 0, offset \d.*KAFKA_TOPIC"):
            fed(job, part(impostor, 5, 20), "new", 0)
    assert offsets(spark) == list(range(10))


def _with_time(spark: SparkSession, topic: DataFrame, trades: Sequence[object]) -> DataFrame:
    values = kafka_records(spark, encoded(trades)).drop("timestamp")  # type: ignore[arg-type]
    return values.join(topic.select("offset", "timestamp"), "offset").select(topic.columns)
