"""Gold rebuilt from Silver equals what the stream made, row for row, in its windows too."""

from pyspark.sql import SparkSession

from lakehouse import tables
from lakehouse.settings import Settings
from lakehouse.spans import Span
from tests import reference
from tests.spark.reading import gold_by_minute
from tests.spark.rebuilding import FIRST, GOLD, SILVER, Lake, hours_of_trades


def test_gold_is_mended_in_one_commit_and_the_windows_behind_it(
    spark: SparkSession, lake: Settings
) -> None:
    made = Lake(spark, lake)
    trades = hours_of_trades(4)
    made.feed(trades)
    made.stream()
    wanted = reference.gold(trades, lake.watermark_minutes)
    assert gold_by_minute(spark) == wanted
    times = _times(spark)

    commits = len(made.snapshots(tables.GOLD))
    made.rebuild("gold")
    assert len(made.snapshots(tables.GOLD)) == commits, "all was equal"

    second = f"minute_ts >= timestamp_seconds({(FIRST + 1) * 3600}) AND symbol = 'BTCUSDT'"
    made.sql(f"DELETE FROM {GOLD} WHERE {second} AND trades = 1 AND minute(minute_ts) = 3")
    made.sql(f"UPDATE {GOLD} SET close = 1, spike = true WHERE {second} AND minute(minute_ts) = 9")
    made.sql(f"INSERT INTO {GOLD} SELECT * FROM {GOLD} WHERE {second} AND minute(minute_ts) = 12")
    commits = len(made.snapshots(tables.GOLD))
    [(_, looked)] = made.rebuild("gold", dry_run=True)
    assert (looked.change.added, looked.change.changed, looked.change.removed) == (3, 3, 3)
    assert len(made.snapshots(tables.GOLD)) == commits
    made.rebuild("gold")
    assert gold_by_minute(spark) == wanted
    assert len(made.snapshots(tables.GOLD)) == commits + 1
    moved = set(_times(spark)) - set(times)
    assert len(moved) == 6, "rows that were right keep their time"


def test_what_silver_lost_is_felt_two_hours_on(spark: SparkSession, lake: Settings) -> None:
    """A span in the past: Gold behind it is brought up to date with it."""
    made = Lake(spark, lake)
    trades = hours_of_trades(4)
    made.feed(trades)
    made.stream()
    wanted = gold_by_minute(spark)
    made.sql(f"UPDATE {SILVER} SET price = price * 3 WHERE agg_id BETWEEN 55 AND 59")
    made.rebuild("gold", Span(FIRST, FIRST + 1))
    spoilt = gold_by_minute(spark)
    minute = FIRST * 60
    assert spoilt["BTCUSDT", minute + 59] != wanted["BTCUSDT", minute + 59]
    assert spoilt["BTCUSDT", minute + 60].return_1m != wanted["BTCUSDT", minute + 60].return_1m
    pieces = made.rebuild("silver", Span(FIRST, FIRST + 1))
    assert [layer for layer, _ in pieces] == ["silver", "gold"]
    assert pieces[1][1].after > 0
    assert gold_by_minute(spark) == wanted


def _times(spark: SparkSession) -> list[tuple[object, ...]]:
    """When each row last changed."""
    rows = spark.table(GOLD).select("symbol", "minute_ts", "updated_at").collect()
    return [tuple(row) for row in rows]
