"""Silver rebuilt from Bronze equals what the stream made, whatever was spoilt by hand."""

from datetime import datetime

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse import messages, tables
from lakehouse.quarantine import Selection
from lakehouse.settings import Settings
from lakehouse.spans import Span
from spark_jobs import quality, release
from spark_jobs.rebuild_compare import Difference
from spark_jobs.sinks import Batch, OnceAppender
from spark_jobs.transforms.bronze import bronze_rows
from tests.spark.feeding import kafka_records
from tests.spark.rebuilding import (
    FIRST,
    GOLD,
    HOUR,
    QUARANTINE,
    SILVER,
    START,
    Lake,
    hours_of_trades,
    trade,
)


@pytest.fixture
def fed(spark: SparkSession, lake: Settings) -> Lake:
    """Three hours that went through the streams, with duplicates and rejected records."""
    made = Lake(spark, lake)
    trades = hours_of_trades()
    made.feed([*trades, *trades[50:90], b"not json", trade(9000, 70, price="-1")])
    made.stream()
    return made


def counts(change: Difference) -> tuple[int, int, int]:
    return change.added, change.changed, change.removed


def test_nothing_is_written_where_all_is_equal(fed: Lake) -> None:
    before = {name: len(fed.snapshots(name)) for name in tables.ALL}
    [(layer, silver), (_, gold)] = fed.rebuild("silver")
    after = {name: len(fed.snapshots(name)) for name in tables.ALL}
    assert layer == "silver" and counts(silver.change) == counts(gold.change) == (0, 0, 0)
    assert {name for name in after if after[name] != before[name]} == {tables.AUDIT}
    assert (silver.counts.rows_in, silver.counts.rows_out) == (401, 360)
    assert (silver.counts.rows_duplicate, silver.counts.dq_fail) == (40, 1)


def test_rows_lost_changed_doubled_and_moved_come_right_in_one_commit(fed: Lake) -> None:
    wanted_silver, wanted_gold = fed.silver(), fed.gold()
    fed.sql(f"DELETE FROM {SILVER} WHERE symbol = 'BTCUSDT' AND agg_id BETWEEN 10 AND 19")
    fed.sql(f"UPDATE {SILVER} SET price = price + 1, qty = 7 WHERE agg_id BETWEEN 65 AND 69")
    fed.sql(f"INSERT INTO {SILVER} SELECT * FROM {SILVER} WHERE agg_id BETWEEN 100 AND 104")
    fed.sql(
        f"UPDATE {SILVER} SET event_ts = event_ts + INTERVAL 1 HOUR "
        "WHERE symbol = 'ETHUSDT' AND agg_id = 30"
    )
    commits = len(fed.snapshots(tables.SILVER))
    looked = fed.rebuild("silver", dry_run=True)
    assert [layer for layer, _ in looked] == ["silver"]
    assert len(fed.snapshots(tables.SILVER)) == commits
    done = fed.rebuild("silver")
    assert counts(looked[0][1].change) == counts(done[0][1].change) == (10, 11, 10)
    assert fed.silver() == wanted_silver
    assert len(fed.snapshots(tables.SILVER)) == commits + 1
    assert fed.gold() == wanted_gold
    assert [row["status"] for row in fed.audit()] == ["ok", "ok"]


def test_a_lost_silver_comes_back_whole_and_gold_with_it(fed: Lake) -> None:
    silver, gold = fed.silver(), fed.gold()
    fed.sql(f"DELETE FROM {SILVER}")
    fed.sql(f"DELETE FROM {GOLD}")
    fed.rebuild("silver", Span())
    # By default the hour that the watermark is in is left to the stream.
    assert fed.silver() == [row for row in silver if _hour(row["event_ts"]) < FIRST + 2]
    fed.rebuild("silver")
    assert (fed.silver(), fed.gold()) == (silver, gold)


def _hour(at: datetime) -> int:
    # PySpark gives the local time, without a zone.
    return int(at.timestamp()) // 3600


def test_only_the_span_is_touched(fed: Lake) -> None:
    wanted = fed.silver()
    fed.sql(f"DELETE FROM {SILVER} WHERE agg_id BETWEEN 50 AND 69")
    fed.rebuild("silver", Span(FIRST + 1, FIRST + 2))
    lost = [row for row in wanted if 50 <= row["agg_id"] < 60]
    assert fed.silver() == [row for row in wanted if row not in lost]


def test_a_rule_that_changed_holds_for_what_is_there(fed: Lake) -> None:
    rows = fed.silver()
    [(_, out), *_] = fed.rebuild("silver", known_symbols=("BTCUSDT",))
    assert counts(out.change) == (0, 0, 180)
    assert (out.quarantined, out.counts.dq_fail) == (200, 201)
    assert fed.silver() == [row for row in rows if row["symbol"] == "BTCUSDT"]
    held = fed.spark.table(QUARANTINE).where("released_at IS NULL AND symbol = 'ETHUSDT'")
    assert {tuple(row["reasons"]) for row in held.collect()} == {("symbol_unknown",)}

    [(_, back), *_] = fed.rebuild("silver")
    assert counts(back.change) == (180, 0, 0) and back.released == 200
    assert fed.silver() == rows
    open_ones = fed.spark.table(QUARANTINE).where("released_at IS NULL")
    assert open_ones.count() == 2


def test_rows_that_bronze_has_not_stay(fed: Lake) -> None:
    rows = fed.silver()
    fed.sql(
        f"INSERT INTO {SILVER} SELECT exchange, symbol, agg_id + 5000, price, qty, quote_qty, "
        "first_trade_id, last_trade_id, is_buyer_maker, event_ts, dt_hour, 'archive', ingest_ts "
        f"FROM {SILVER} WHERE agg_id = 61"
    )
    [(_, out), *_] = fed.rebuild("silver")
    assert out.kept == 2 and not out.change
    assert len(fed.silver()) == len(rows) + 2


def test_rejected_records_come_back_to_quarantine(fed: Lake) -> None:
    fed.sql(f"DELETE FROM {QUARANTINE}")
    [(_, some), *_] = fed.rebuild("silver")
    assert some.quarantined == 1  # the other has no time, so it is in no span
    [(_, rest), *_] = fed.rebuild("silver", Span(None, FIRST + 100))
    assert rest.quarantined == 1
    held = fed.spark.table(QUARANTINE).collect()
    assert {bytes(row["raw"]) for row in held} == {
        b"not json",
        messages.encode(trade(9000, 70, price="-1")),
    }


@pytest.mark.parametrize("span", [Span(FIRST, FIRST + 1), Span(FIRST + 1, FIRST + 2)])
def test_a_key_with_records_in_two_hours_stands_once(
    spark: SparkSession, lake: Settings, span: Span
) -> None:
    """The record that came first says where it is, whichever hour is rebuilt."""
    made = Lake(spark, lake)
    early, late = trade(1, 10), trade(1, 70)
    made.feed([late, trade(0, 5), early, trade(2, 75)])
    made.stream()
    wanted = made.silver()
    assert [row["agg_id"] for row in wanted if _hour(row["event_ts"]) == FIRST + 1] == [1, 2]
    made.rebuild("silver", span)
    assert made.silver() == wanted
    for spoilt in (
        f"DELETE FROM {SILVER} WHERE agg_id = 1",
        f"UPDATE {SILVER} SET event_ts = timestamp_micros({early.trade_time}), "
        f"dt_hour = timestamp_micros({START // HOUR * HOUR}) WHERE agg_id = 1",
        f"INSERT INTO {SILVER} SELECT exchange, symbol, agg_id, price, qty, quote_qty, "
        "first_trade_id, last_trade_id, is_buyer_maker, event_ts - INTERVAL 1 HOUR, dt_hour, "
        f"source, ingest_ts FROM {SILVER} WHERE agg_id = 1",
    ):
        made.sql(spoilt)
        made.rebuild("silver", span)
        assert made.silver() == wanted


def test_what_was_released_from_its_bytes_stays_released(
    spark: SparkSession, lake: Settings
) -> None:
    """Bronze could not read it when it came; quarantine's release could, later."""
    made = Lake(spark, lake)
    made.feed([trade(0, 5), trade(2, 7)])
    value = messages.encode(trade(1, 6))
    read = (*quality.REQUIRED, "event_ts", "dt_hour", "ingest_ts")
    rows = bronze_rows(kafka_records(spark, [value], 2), quality.Rules())
    types = {field.name: field.dataType for field in rows.schema.fields}
    unread = rows.withColumns({name: F.lit(None).cast(types[name]) for name in read})
    OnceAppender(tables.BRONZE).append(unread.withColumn("raw", F.lit(value)), Batch("test", 9))
    made.stream()
    assert release.run(spark, lake, Selection(), True).fresh == 1
    rows_before, held = made.silver(), spark.table(QUARANTINE).collect()
    [(_, out), *_] = made.rebuild("silver", Span(None, FIRST + 9))
    assert (out.kept, out.quarantined, out.counts.dq_fail) == (1, 0, 1)
    assert not out.change and made.silver() == rows_before
    assert spark.table(QUARANTINE).collect() == held
