"""`firehose quarantine release` on real tables: what passes reaches Silver once and is marked."""

import json

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse import messages, tables
from lakehouse.quarantine import Released, Selection
from lakehouse.settings import Settings
from spark_jobs import release, sinks
from spark_jobs.quality import Rules
from spark_jobs.stream import compile_plans
from tests.spark.feeding import ANY_SYMBOL, feed_bronze, run_streams
from tests.spark.releasing import (
    EVERYTHING,
    audited,
    held,
    judge,
    of_symbol,
    set_aside,
    silver_ids,
    table,
)
from tests.spark.test_streams import START, encoded, trade


@pytest.fixture(autouse=True)
def quick(spark: SparkSession) -> None:
    compile_plans(spark, 0)


def test_a_dry_run_tells_and_changes_nothing(spark: SparkSession, lake: Settings) -> None:
    set_aside(spark)
    names = (tables.SILVER, tables.QUARANTINE, tables.AUDIT)
    before = [sinks.snapshot_id(spark, name) for name in names]
    found = release.run(spark, lake, EVERYTHING, really=False)
    assert found == Released(
        done=False, selected=3, judged=3, fresh=2, failing=1,
        failing_by_rule={"price_not_positive": 1},
    )  # fmt: skip
    assert [sinks.snapshot_id(spark, name) for name in names] == before


def test_what_passes_now_is_in_silver_and_gold_and_accounted_for(
    spark: SparkSession, lake: Settings
) -> None:
    set_aside(spark)
    found = release.run(spark, lake, EVERYTHING, really=True)
    assert found.model_dump(exclude_defaults=True) == {
        "done": True, "selected": 3, "judged": 3, "fresh": 2, "failing": 1,
        "failing_by_rule": {"price_not_positive": 1},
    }  # fmt: skip
    assert silver_ids(spark, "ETHUSDT") == [1, 2]
    assert held(spark) == {
        0: (("symbol_unknown",), True),  # what it was held back for stays readable
        1: (("symbol_unknown",), True),
        2: (("price_not_positive",), False),  # it had been symbol_unknown as well
    }
    assert audited(spark) == [(3, 2, 0, 1, "ok")]
    # No stream was running: at its start Gold counts what was released, Silver knows it.
    feed_bronze(spark, [of_symbol(1, "ETHUSDT")], 50, 1)
    run_streams(spark, lake)
    gold = table(spark, tables.GOLD).where("symbol = 'ETHUSDT'").collect()
    assert [row["trades"] for row in gold] == [2]
    assert silver_ids(spark, "ETHUSDT") == [1, 2]


def test_twice_the_same_release(spark: SparkSession, lake: Settings) -> None:
    set_aside(spark)
    for _ in range(2):
        release.run(spark, lake, EVERYTHING, really=True)
    assert silver_ids(spark, "ETHUSDT") == [1, 2]
    assert audited(spark) == [(3, 2, 0, 1, "ok"), (1, 0, 0, 1, "ok")]


def test_only_what_is_chosen(spark: SparkSession, lake: Settings) -> None:
    set_aside(spark)
    found = release.run(spark, lake, Selection(offsets=((1, 1),)), really=True)
    assert (found.selected, found.fresh) == (1, 1)
    assert silver_ids(spark, "ETHUSDT") == [2]
    nothing = release.run(spark, lake, Selection(symbols=("BTCUSDT",)), really=True)
    assert nothing == Released(done=True)
    assert len(audited(spark)) == 1


def test_fields_without_the_bytes_are_read_as_well(spark: SparkSession, lake: Settings) -> None:
    """Silver's rules were stricter than Bronze's: its row has no `raw`, quarantine its fields."""
    given = [of_symbol(n, "币安人生USDT") for n in (1, 2)]
    judge(spark, given[:1], Rules(("BTCUSDT",)))
    [row] = table(spark, tables.QUARANTINE).collect()
    assert json.loads(row["raw"]) == json.loads(given[0])
    release.run(spark, lake, EVERYTHING, really=True)
    judge(spark, given[1:], ANY_SYMBOL, 1)
    differs = {"agg_id", "first_trade_id", "last_trade_id"}
    same = [name for name in table(spark, tables.SILVER).columns if name not in differs]
    assert silver_ids(spark, "币安人生USDT") == [1, 2]
    assert table(spark, tables.SILVER).select(same).distinct().count() == 1


def test_messages_of_the_gap_topic_are_left_alone(spark: SparkSession, lake: Settings) -> None:
    row = {
        "kafka_topic": "gaps", "kafka_partition": 0, "kafka_offset": 5,
        "raw": messages.encode(trade(1)), "reasons": ["gap_unreadable"],
    }  # fmt: skip
    types = "kafka_topic STRING, kafka_partition INT, kafka_offset BIGINT, raw BINARY"
    frame = spark.createDataFrame([row], f"{types}, reasons ARRAY<STRING>")
    frame = frame.withColumn("quarantined_at", F.current_timestamp())
    missing = {*table(spark, tables.QUARANTINE).columns} - {*frame.columns}
    frame = frame.withColumns({name: F.lit(None) for name in missing})
    frame.writeTo(tables.full_name(tables.QUARANTINE)).append()
    found = release.run(spark, lake, EVERYTHING, really=True)
    assert found == Released(done=True, selected=1, of_gaps=1)
    assert held(spark)[5] == (("gap_unreadable",), False)
    assert table(spark, tables.SILVER).isEmpty()


def test_a_lake_without_a_trade(spark: SparkSession, lake: Settings) -> None:
    """Silver has no snapshot yet that the append could be held against."""
    judge(spark, encoded([trade(1, START), trade(1, START)]), Rules(("ETHUSDT",)))
    assert sinks.snapshot_id(spark, tables.SILVER) is None
    found = release.run(spark, lake, EVERYTHING, really=True)
    assert (found.fresh, found.known) == (1, 1), "two records of one trade"
    assert silver_ids(spark, "BTCUSDT") == [1]
