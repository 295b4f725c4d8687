"""Each trade once in Silver: replays, crashes between two appends, other writers on the table."""

from collections.abc import Sequence

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse import messages, tables
from lakehouse.errors import StackError
from lakehouse.settings import Settings
from lakehouse.trade import Trade
from spark_jobs import quality, sinks, stream
from spark_jobs.audit import Counts
from spark_jobs.jobs.crypto_silver_trades import SilverJob
from spark_jobs.sinks import Batch
from spark_jobs.tally import Tally
from spark_jobs.transforms import silver
from spark_jobs.transforms.bronze import bronze_rows
from tests.spark.feeding import feed_bronze, kafka_records, run_streams
from tests.spark.test_streams import START, encoded, trade

HOUR = 3_600_000_000
FULL = tables.full_name(tables.SILVER)


def trades(first: int, end: int) -> list[Trade]:
    return [trade(number, START + number * 1000) for number in range(first, end)]


def ids(spark: SparkSession) -> list[int]:
    return sorted(row["agg_id"] for row in spark.table(FULL).select("agg_id").collect())


def bronze(spark: SparkSession, settings: Settings, values: Sequence[bytes]) -> DataFrame:
    return bronze_rows(kafka_records(spark, values), quality.rules(settings))


def silver_job(
    spark: SparkSession, settings: Settings, kind: type[SilverJob] = SilverJob
) -> SilverJob:
    job = kind(stream.Context(spark, settings, run_id="test-run"))
    job.source()
    return job


def audited(spark: SparkSession) -> list[tuple[int, ...]]:
    """rows_in, rows_out, rows_duplicate, dq_fail, rows_late of the batches that went well."""
    rows = spark.table(tables.full_name(tables.AUDIT)).where(
        (F.col("job") == tables.SILVER) & (F.col("status") == "ok")
    )
    columns = ("rows_in", "rows_out", "rows_duplicate", "dq_fail", "rows_late")
    return [tuple(row[name] for name in columns) for row in rows.orderBy("started_at").collect()]


def test_a_new_checkpoint_and_the_whole_topic_again_days_later(
    spark: SparkSession, lake: Settings
) -> None:
    all_of_them = trades(0, 200)
    feed_bronze(spark, encoded(all_of_them))
    run_streams(spark, lake, [tables.SILVER])
    fresh = lake.model_copy(update={"checkpoint_dir": str(lake.data_dir / "anew")})
    days_later = trade(200, START + 3 * 24 * HOUR)
    feed_bronze(spark, encoded([*all_of_them, days_later, *trades(0, 1)]), 200, 1)
    run_streams(spark, fresh, [tables.SILVER])
    assert ids(spark) == list(range(201))
    assert sum(row[1] for row in audited(spark)) == 201
    # The new stream reads Bronze from its start: both commits, of which it adds one trade.
    assert [sum(row[i] for row in audited(spark)[1:]) for i in range(3)] == [402, 1, 401]


def test_what_is_in_quarantine_is_not_set_aside_again(spark: SparkSession, lake: Settings) -> None:
    feed_bronze(spark, [*encoded(trades(0, 2)), b"bad"])
    run_streams(spark, lake, [tables.SILVER])
    fresh = lake.model_copy(update={"checkpoint_dir": str(lake.data_dir / "anew")})
    feed_bronze(spark, [b"worse", *encoded(trades(2, 4))], 3, 1)
    run_streams(spark, fresh, [tables.SILVER])
    aside = spark.table(tables.full_name(tables.QUARANTINE)).select("kafka_offset").collect()
    assert sorted(row[0] for row in aside) == [2, 3]
    assert [sum(row[i] for row in audited(spark)[1:]) for i in range(4)] == [6, 2, 2, 2]


class DiesAfterSilver(SilverJob):
    """Silver is written, the audit is not."""

    def _append_new(self, judged: DataFrame, found: Tally, batch: Batch) -> Counts:
        super()._append_new(judged, found, batch)
        raise RuntimeError("killed")


class DiesAfterQuarantine(SilverJob):
    """Quarantine is written, Silver is not."""

    def _set_aside(self, judged: DataFrame, found: Tally, batch: Batch) -> None:
        super()._set_aside(judged, found, batch)
        raise RuntimeError("killed")


@pytest.mark.parametrize("dying", [DiesAfterSilver, DiesAfterQuarantine])
def test_a_batch_that_dies_between_two_appends_counts_the_same(
    spark: SparkSession, lake: Settings, dying: type[SilverJob]
) -> None:
    feed_bronze(spark, encoded([trade(1, START + HOUR)]))
    run_streams(spark, lake, [tables.SILVER])
    # Against the hour of the first batch one trade is late; against this batch's, two would be.
    late, near, new = trade(2, START), trade(3, START + HOUR), trade(4, START + 2 * HOUR)
    feed_bronze(spark, [*encoded([late, near, new, new]), b"bad"], 1, 1)
    context = stream.Context(spark, lake, run_id="dying")
    with pytest.raises(PySparkException, match="killed"):
        stream.start(context, dying(context), available_now=True).awaitTermination()
    run_streams(spark, lake, [tables.SILVER])
    assert ids(spark) == [1, 2, 3, 4]
    assert spark.table(tables.full_name(tables.QUARANTINE)).count() == 1
    assert audited(spark) == [(1, 1, 0, 0, 0), (5, 3, 1, 1, 1)]


def test_the_record_that_came_into_kafka_first_wins(spark: SparkSession, lake: Settings) -> None:
    prices = {"3": 7, "1": 2, "2": 5}  # price: offset
    records = [
        kafka_records(spark, [messages.encode(trade(1, price=price))], offset)
        for price, offset in prices.items()
    ]
    # The same timestamp, so that the offset decides.
    rows = (
        records[0]
        .union(records[1])
        .union(records[2])
        .withColumn("timestamp", F.lit(START).cast("timestamp"))
    )
    job = silver_job(spark, lake)
    counts = job.process(bronze_rows(rows, quality.rules(lake)), Batch("q", 0))
    assert (counts.rows_out, counts.rows_duplicate) == (1, 2)
    again = job.process(bronze(spark, lake, encoded([trade(1, price="9")])), Batch("q", 1))
    assert (again.rows_out, again.rows_duplicate) == (0, 1)
    assert [row["price"] for row in spark.table(FULL).collect()] == [1]


def test_two_streams_on_one_table_leave_each_trade_once(
    spark: SparkSession, lake: Settings
) -> None:
    one, other = silver_job(spark, lake), silver_job(spark, lake)
    counted = []
    for number, (first, end) in enumerate([(0, 100), (50, 150), (120, 130), (0, 300)]):
        rows = bronze(spark, lake, encoded(trades(first, end)))
        for name, job in (("one", one), ("other", other)):
            counts = job.process(rows, Batch(name, number))
            counted.append((counts.rows_out, counts.rows_duplicate))
    assert ids(spark) == list(range(300))
    assert counted == [
        (100, 0),
        (0, 100),
        (50, 50),
        (0, 100),
        (0, 10),
        (0, 10),
        (150, 150),
        (0, 300),
    ]


def test_what_others_add_and_take_away_between_two_batches(
    spark: SparkSession, lake: Settings
) -> None:
    job = silver_job(spark, lake)
    job.process(bronze(spark, lake, encoded(trades(0, 10))), Batch("q", 0))
    # A release: the trades 10 to 14 come by another way.
    released = silver.trades(bronze(spark, lake, encoded(trades(10, 15))))
    sinks.append_if_unchanged(released, tables.SILVER, sinks.snapshot_id(spark, tables.SILVER), {})
    options = "options => map('rewrite-all', 'true')"
    spark.sql(f"CALL lake.system.rewrite_data_files(table => '{FULL}', {options})")
    counts = job.process(bronze(spark, lake, encoded(trades(8, 20))), Batch("q", 1))
    assert (counts.rows_out, counts.rows_duplicate) == (5, 7)
    # A rebuild finds that 3 is no trade; then it comes after all.
    spark.sql(f"DELETE FROM {FULL} WHERE agg_id = 3")
    counts = job.process(bronze(spark, lake, encoded(trades(0, 21))), Batch("q", 2))
    assert (counts.rows_out, counts.rows_duplicate) == (2, 19)
    # Again, and now nothing else of the batch is new: it must not pass for a duplicate.
    spark.sql(f"DELETE FROM {FULL} WHERE agg_id = 3")
    counts = job.process(bronze(spark, lake, encoded(trades(3, 4))), Batch("q", 3))
    assert (counts.rows_out, counts.rows_duplicate) == (1, 0)
    assert ids(spark) == list(range(21))


def test_two_processes_on_one_checkpoint(spark: SparkSession, lake: Settings) -> None:
    """The second was frozen before its commit and taken for dead; it must not count the batch."""
    rows = bronze(spark, lake, encoded(trades(0, 10)))
    first, frozen = silver_job(spark, lake), silver_job(spark, lake)
    frozen.process(bronze(spark, lake, []), Batch("q", 0))
    first.process(rows, Batch("q", 1))
    with pytest.raises(StackError, match="Another process has written batch 1"):
        frozen.process(rows, Batch("q", 1))
    assert ids(spark) == list(range(10))


def test_a_field_that_this_version_does_not_know(spark: SparkSession, lake: Settings) -> None:
    value = messages.encode(trade(1)).replace(b"{", b'{"venue":"x",', 1)
    feed_bronze(spark, [value, messages.encode(trade(2))])
    run_streams(spark, lake, [tables.SILVER])
    rows = spark.table(tables.full_name(tables.BRONZE)).orderBy("agg_id").collect()
    assert [row["raw"] for row in rows] == [bytearray(value), None]
    assert ids(spark) == [1, 2]
