"""Silver and Gold as streams on real tables, by example."""

from collections.abc import Sequence

from pyspark.sql import SparkSession

from lakehouse import messages, tables
from lakehouse.settings import Settings
from lakehouse.trade import Trade
from tests.spark.feeding import feed_bronze, run_streams

MINUTE = 60_000_000
START = 1_723_161_600_000_000


def trade(agg_id: int, at: int = START, price: str = "100.5", qty: str = "2") -> Trade:
    return Trade(
        "binance", "BTCUSDT", agg_id, price, qty, agg_id, agg_id, at, at, False, at, "simulated"
    )


def encoded(trades: Sequence[Trade]) -> list[bytes]:
    return [messages.encode(each) for each in trades]


def test_trades_reach_gold_once(spark: SparkSession, lake: Settings) -> None:
    trades = [trade(n, START + n * 20_000_000) for n in range(10)]
    feed_bronze(spark, encoded(trades + trades[:5]))
    run_streams(spark, lake)
    feed_bronze(spark, encoded(trades[3:]), 100, 1)
    run_streams(spark, lake)

    assert spark.table(tables.full_name(tables.SILVER)).count() == 10
    gold = spark.table(tables.full_name(tables.GOLD)).orderBy("minute_ts").collect()
    assert [row["trades"] for row in gold] == [3, 3, 3, 1]
    audit = spark.table(tables.full_name(tables.AUDIT)).where("job = 'crypto_silver_trades'")
    counts = [
        (row["rows_in"], row["rows_out"], row["rows_duplicate"], row["dq_fail"])
        for row in audit.orderBy("batch_id").collect()
    ]
    assert counts == [(15, 10, 5, 0), (7, 0, 7, 0)]


def test_gold_goes_on_where_an_hour_of_silver_was_emptied(
    spark: SparkSession, lake: Settings
) -> None:
    hour = 60 * MINUTE
    feed_bronze(spark, encoded([trade(1, START), trade(2, START + hour)]))
    run_streams(spark, lake)
    silver = tables.full_name(tables.SILVER)
    spark.sql(f"DELETE FROM {silver} WHERE event_ts < timestamp_micros({START + hour})")
    feed_bronze(spark, encoded([trade(3, START + hour)]), 2, 1)
    run_streams(spark, lake)
    gold = spark.table(tables.full_name(tables.GOLD)).orderBy("minute_ts").collect()
    assert gold[-1]["trades"] == 2


def test_what_breaks_a_rule_is_set_aside_with_its_bytes(
    spark: SparkSession, lake: Settings
) -> None:
    bad = {
        b"not json": ["unreadable"],
        b"": ["unreadable"],
        b"\xff\xfe": ["unreadable"],
        messages.encode(trade(1, price="0")): ["price_not_positive"],
        messages.encode(trade(2, price="-1", qty="0.000000001")): [
            "price_not_positive",
            "qty_not_exact",
        ],
        messages.encode(trade(3, at=START + 10**17)): [
            "trade_time_implausible",
            "event_time_implausible",
            "ingest_time_implausible",
        ],
        messages.encode(trade(4, price="1" + "0" * 12, qty="1" + "0" * 12)): [
            "quote_qty_too_large"
        ],
        messages.encode(trade(5)).replace(b'"agg_id":5', b'"agg_id":"five"'): ["agg_id_missing"],
        messages.encode(trade(6)).replace(b'"schema_version":1', b'"schema_version":9'): [
            "schema_version_unknown"
        ],
    }
    feed_bronze(spark, [*bad, messages.encode(trade(7))])
    run_streams(spark, lake)

    rows = spark.table(tables.full_name(tables.QUARANTINE)).collect()
    assert {bytes(row["raw"]): row["reasons"] for row in rows} == bad
    assert [row["agg_id"] for row in spark.table(tables.full_name(tables.SILVER)).collect()] == [7]
    good = spark.table(tables.full_name(tables.BRONZE)).where("raw IS NULL")
    assert good.count() == 1
