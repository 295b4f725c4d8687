"""Bronze rows → judged rows → Silver trades and quarantine rows. Split, never dropped."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs import quality

KEY = ("exchange", "symbol", "agg_id")


def judged(bronze: DataFrame, rules: quality.Rules) -> DataFrame:
    """Bronze rows with `reasons`: the names of the rules they break."""
    return bronze.withColumn("reasons", rules.reasons())


def silver_rows(valid: DataFrame) -> DataFrame:
    """Valid rows as trades, one for each key of the batch."""
    trades = valid.select(
        *KEY,
        F.col("price").cast("decimal(28,8)").alias("price"),
        F.col("qty").cast("decimal(28,8)").alias("qty"),
        "first_trade_id",
        "last_trade_id",
        "is_buyer_maker",
        "event_ts",
        "dt_hour",
        "source",
        "ingest_ts",
    )
    product = (F.col("price") * F.col("qty")).cast("decimal(38,16)")
    return trades.withColumn("quote_qty", product).dropDuplicates(list(KEY))


def unknown_only(trades: DataFrame, known: DataFrame | None) -> DataFrame:
    """Trades whose id is in none of the `known` ranges (exchange, symbol, from_id, to_id)."""
    if known is None:
        return trades
    ranges = F.broadcast(known.alias("known"))
    inside = F.col("agg_id").between(F.col("from_id"), F.col("to_id"))
    same = (F.col("t.exchange") == F.col("known.exchange")) & (
        F.col("t.symbol") == F.col("known.symbol")
    )
    return trades.alias("t").join(ranges, same & inside, "left_anti")


def quarantine_rows(rejected: DataFrame, quarantined_at: Column) -> DataFrame:
    """Rejected rows with their raw bytes, coordinates, reasons and what could be read."""
    fields = F.to_json(F.struct(*quality.REQUIRED)).cast("binary")
    return rejected.select(
        "kafka_topic",
        "kafka_partition",
        "kafka_offset",
        "kafka_timestamp",
        # A rule younger than the Bronze row finds no raw bytes there: its fields tell the same.
        F.coalesce("raw", fields).alias("raw"),
        "reasons",
        *KEY,
        "price",
        "qty",
        "event_ts",
        "ingest_ts",
        quarantined_at.alias("quarantined_at"),
        F.lit(None).cast("timestamp").alias("released_at"),
    )
