"""Bronze rows → judged rows → Silver trades and quarantine rows. Split, never dropped."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs import quality
from spark_jobs.transforms import ranges

KEY = ("exchange", "symbol", "agg_id")
_TRADE = (
    *KEY, "price", "qty", "first_trade_id", "last_trade_id", "is_buyer_maker", "event_ts",
    "dt_hour", "source", "ingest_ts",
)  # fmt: skip
# Which record came first; the topic only where two topics fill one lake.
_ORDER = ("kafka_timestamp", "kafka_partition", "kafka_offset", "kafka_topic")
# Up to here one file per commit and hour beats two cores writing half of it each.
_ONE_FILE_ROWS = 200_000


def passes() -> Column:
    """boolean: whether a judged row breaks no rule."""
    return F.size("reasons") == 0


def judged(bronze: DataFrame, rules: quality.Rules) -> DataFrame:
    """Bronze rows with `reasons`: the names of the rules they break."""
    return bronze.withColumn("reasons", rules.reasons())


def blocks(judged_rows: DataFrame, watermark_micros: int) -> DataFrame:
    """Counts, times and ids of the valid rows by blocks of 64 ids; one row for all the others.

    Columns as spark_jobs/tally.py adds them up. Late is what is older than the watermark.
    """
    bad = ~passes()
    valid = {"exchange": "exchange", "symbol": "symbol", "block": ranges.block("agg_id")}
    keys = [F.when(~bad, F.expr(text)).alias(name) for name, text in valid.items()]
    return judged_rows.groupBy(bad.alias("bad"), *keys).agg(
        F.expr(ranges.bits("agg_id")).alias("bits"),
        F.count("*").alias("rows"),
        F.count_if(F.unix_micros("event_ts") < F.lit(watermark_micros)).alias("late"),
        F.max(F.unix_micros("event_ts")).alias("newest"),
        F.min(F.unix_micros("ingest_ts")).alias("oldest_ingest"),
    )


def trades(valid: DataFrame) -> DataFrame:
    """Valid rows as trades, one for each row."""
    exact = {name: F.col(name).cast("decimal(28,8)") for name in ("price", "qty")}
    product = (F.col("price") * F.col("qty")).cast("decimal(38,16)")
    return valid.select(*_TRADE).withColumns(exact).withColumn("quote_qty", product)


def silver_rows(valid: DataFrame) -> DataFrame:
    """Valid rows as trades, one for each key: the record that came into Kafka first.

    `valid` needs the record's Kafka coordinates. It sorts its rows: where no key stands twice,
    `trades` gives the same.
    """
    rest = [name for name in _TRADE if name not in KEY]
    earliest = F.min_by(F.struct(*rest), F.struct(*_ORDER)).alias("earliest")
    return trades(valid.groupBy(*KEY).agg(earliest).select(*KEY, "earliest.*"))


def files(trades: DataFrame, rows: int) -> DataFrame:
    """`rows` trades in the order and in about the number of files that Silver wants of a commit."""
    together = trades.coalesce(1) if rows <= _ONE_FILE_ROWS else trades
    return together.sortWithinPartitions("symbol", "agg_id")


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
