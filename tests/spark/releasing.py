"""A lake with records in quarantine, and what a release made of it."""

from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse import messages, tables
from lakehouse.quarantine import Selection
from spark_jobs.quality import Rules
from spark_jobs.transforms import silver
from spark_jobs.transforms.bronze import bronze_rows
from tests.spark.feeding import ANY_SYMBOL, kafka_records
from tests.spark.test_streams import trade

EVERYTHING = Selection()


def table(spark: SparkSession, name: str) -> DataFrame:
    return spark.table(tables.full_name(name))


def of_symbol(agg_id: int, symbol: str) -> bytes:
    return messages.encode(trade(agg_id)._replace(symbol=symbol))


def silver_ids(spark: SparkSession, symbol: str) -> list[int]:
    rows = table(spark, tables.SILVER).where(F.col("symbol") == symbol).select("agg_id")
    return sorted(row["agg_id"] for row in rows.collect())


def held(spark: SparkSession) -> dict[int, tuple[tuple[str, ...], bool]]:
    """Offset → (reasons, released)."""
    rows = table(spark, tables.QUARANTINE).collect()
    found = {r["kafka_offset"]: (tuple(r["reasons"]), r["released_at"] is not None) for r in rows}
    assert len(found) == len(rows), "a record stands twice in quarantine"
    return found


def audited(spark: SparkSession) -> list[tuple[int, int, int, int, str]]:
    rows = table(spark, tables.AUDIT).where(F.col("job") == "release").orderBy("finished_at")
    names = ("rows_in", "rows_out", "rows_duplicate", "dq_fail", "status")
    return [tuple(row[name] for name in names) for row in rows.collect()]


def judge(
    spark: SparkSession,
    values: Sequence[bytes],
    rules: Rules,
    first_offset: int = 0,
    of_bronze: Rules = ANY_SYMBOL,
) -> None:
    """Write what Silver's stream would of these records: quicker than the stream."""
    bronze = bronze_rows(kafka_records(spark, values, first_offset), of_bronze)
    judged = silver.judged(bronze, rules).localCheckpoint()
    rejected = silver.quarantine_rows(judged.where("size(reasons) > 0"), F.current_timestamp())
    rejected.writeTo(tables.full_name(tables.QUARANTINE)).append()
    trades = silver.silver_rows(judged.where("size(reasons) = 0"))
    if not trades.isEmpty():
        trades.writeTo(tables.full_name(tables.SILVER)).append()


def set_aside(spark: SparkSession) -> None:
    """Offsets 0-3: two of a symbol not known then, one bad for good, one good one of BTCUSDT."""
    values = [
        of_symbol(1, "ETHUSDT"),
        of_symbol(2, "ETHUSDT"),
        messages.encode(trade(3, price="0")._replace(symbol="ETHUSDT")),
        messages.encode(trade(4)),
    ]
    judge(spark, values, Rules(("BTCUSDT",)))
    assert sorted(held(spark)) == [0, 1, 2]
