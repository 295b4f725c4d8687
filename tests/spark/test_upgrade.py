"""A lake with rows goes through an upgrade: fields, columns and types are added under the streams.

The next version is this one with a sql folder, a message and a column of Silver of its own.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from lakehouse import completeness, messages, migrations, tables
from lakehouse.messages import TradeMessage
from lakehouse.query import Lake
from lakehouse.settings import Settings
from lakehouse.trade import Trade
from spark_jobs import session, stream
from spark_jobs.app import JOBS
from spark_jobs.transforms import bronze, gold, silver
from tests.spark.feeding import feed_bronze, run_streams, settings_of
from tests.spark.migrating import drop_all, shape, version
from tests.spark.test_streams import START, trade

BRONZE, SILVER, GOLD, AUDIT = (
    tables.full_name(name) for name in (tables.BRONZE, tables.SILVER, tables.GOLD, tables.AUDIT)
)
VENUE = "venue          STRING        COMMENT 'where it was traded; null: not told',"
TODAY = {f"{each}.sql": each.text for each in migrations.load()}
FIRST = len(TODAY) + 1
NEXT = TODAY | {
    f"{FIRST:04}_venue.sql": "".join(
        f"ALTER TABLE {table} ADD COLUMN venue STRING "
        f"COMMENT 'where it was traded; null: not told' AFTER {place};\n"
        for table, place in ((BRONZE, "schema_version"), (SILVER, "source"))
    ),
    f"{FIRST + 1:04}_wider.sql": f"""
        ALTER TABLE {BRONZE} ALTER COLUMN schema_version TYPE BIGINT;
        ALTER TABLE {GOLD} ALTER COLUMN open TYPE DECIMAL(38,8);
        ALTER TABLE {AUDIT} ADD COLUMN host STRING COMMENT 'where it ran';
    """,
}
OPEN = "COMMENT 'price of the trade with the lowest agg_id'"
LAST = "where it tells nothing'"
CHANGES = {
    "crypto_bronze_aggtrade/table.sql": (
        "  schema_version  INT       COMMENT 'version of the Kafka message',\n",
        f"  schema_version BIGINT COMMENT 'version of the Kafka message',\n  {VENUE}\n",
    ),
    "crypto_silver_trades/table.sql": ("  ingest_ts  ", f"  {VENUE}\n  ingest_ts  "),
    "crypto_gold_minute/table.sql": (f"DECIMAL(28,8)  {OPEN}", f"DECIMAL(38,8)  {OPEN}"),
    "ops_audit/table.sql": (LAST, f"{LAST},\n  host STRING COMMENT 'where it ran'"),
}


class NextMessage(TradeMessage):
    venue: str | None = None


@contextmanager
def next_version(folder: Path, changes: Mapping[str, str]) -> Iterator[None]:
    """The program of tomorrow, with these migrations, in this process."""
    fields = messages.columns(NextMessage)
    with version(folder, changes, CHANGES), pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            bronze, "MESSAGE", ", ".join(f"{name} {kind}" for name, kind in fields.items())
        )
        patch.setattr(bronze, "_FIELDS", tuple(fields))
        patch.setattr(silver, "_TRADE", (*silver._TRADE, "venue"))
        yield


def old(trades: Sequence[Trade]) -> list[bytes]:
    return [messages.encode(each) for each in trades]


def new(trades: Sequence[Trade]) -> list[bytes]:
    return [json.dumps({**json.loads(value), "venue": "spot"}).encode() for value in old(trades)]


def test_a_lake_with_rows_is_upgraded_under_its_streams(
    spark: SparkSession, lake: Settings, tmp_path: Path
) -> None:
    trades = [trade(n, START + n * 7_000_000) for n in range(60)]
    feed_bronze(spark, old(trades[:10]))
    context = stream.Context(spark, lake, "old")
    running = stream.start(context, JOBS[tables.SILVER](context))
    try:
        running.processAllAvailable()
        run_streams(spark, lake, [tables.GOLD])
        upgrade_beside(spark, tmp_path, running, trades)
    finally:
        running.stop()
    with next_version(tmp_path / "next", NEXT):
        assert session.create_tables(spark).applied == ()
        feed_bronze(spark, old(trades[28:40]) + new(trades[38:]), 35, 3)
        run_streams(spark, lake)
        assert_exact(spark, trades)
        upgraded = {table: shape(spark, table) for table in tables.ALL}
        drop_all(spark)
        session.create_tables(spark)
        assert {table: shape(spark, table) for table in tables.ALL} == upgraded


def upgrade_beside(
    spark: SparkSession, folder: Path, running: StreamingQuery, trades: Sequence[Trade]
) -> None:
    """Both migrations while Bronze and Silver of the old version go on."""
    columns, wider = list(NEXT)[-2:]
    with next_version(folder / "columns", {name: NEXT[name] for name in NEXT if name != wider}):
        assert [f"{each}.sql" for each in session.create_tables(spark).applied] == [columns]
    # What the old version can't read all of, Bronze keeps whole.
    feed_bronze(spark, old(trades[5:20]) + new(trades[20:25]), 10, 1)
    running.processAllAvailable()
    with next_version(folder / "wider", NEXT):
        assert [f"{each}.sql" for each in session.create_tables(spark).applied] == [wider]
    # A reader that knows the narrow type ends at a file of the wide one; a new start mends it.
    feed_bronze(spark, old(trades[25:30]), 30, 2)
    with pytest.raises(StreamingQueryException, match="ClassCastException"):
        running.processAllAvailable()


def assert_exact(spark: SparkSession, trades: Sequence[Trade]) -> None:
    rows = spark.table(SILVER).orderBy("agg_id").collect()
    assert [row["agg_id"] for row in rows] == [each.agg_id for each in trades]
    # 38 and 39 came without it first; 20 to 24 came while nobody knew the field.
    assert [row["agg_id"] for row in rows if row["venue"] == "spot"] == [*range(40, 60)]
    assert {row["venue"] for row in rows} == {"spot", None}
    kept = spark.table(BRONZE).where("raw IS NOT NULL").orderBy("kafka_offset").collect()
    assert [json.loads(row["raw"])["venue"] for row in kept] == ["spot"] * 5
    assert [row["agg_id"] for row in kept] == [*range(20, 25)]
    silver_rows = spark.table(SILVER)
    rule = gold.spike_rule(settings_of(spark))
    wanted = gold.features(gold.bars(silver_rows), rule).drop("open")
    assert gold.changed_rows(wanted, spark.table(GOLD)).count() == 0
    assert spark.table(GOLD).count() == wanted.count()
    sums = (
        spark.table(AUDIT)
        .where(f"job = '{tables.SILVER}'")
        .selectExpr("sum(rows_in)", "sum(rows_out)", "sum(rows_duplicate)", "sum(dq_fail)")
    )
    assert tuple(sums.collect()[0]) == (69, 60, 9, 0)
    with Lake(settings_of(spark)) as opened:
        proof = completeness.prove(opened, datetime.now(UTC))
    assert proof.complete and proof.trades == 60, proof.faults
