"""Silver trades → minute bars → Gold features. Pure functions of their rows.

All arithmetic is decimal; quotients are rounded half up to 12 decimals. docs/gold.md gives the
meaning of each column and the spike rule.
"""

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

LOOKBACK_MINUTES = 60
# Robust z-score of 6: 6 x 1.4826, the factor that makes a MAD comparable to a standard deviation.
SPIKE_MADS = "8.8956BD"
SPIKE_MIN_RETURN = "0.002BD"
SPIKE_VOLUME_RATIO = 3
SPIKE_WARM_UP_MINUTES = 20

KEY = ("exchange", "symbol", "minute_ts")
BAR = (
    *KEY, "open", "high", "low", "close", "volume", "quote_volume", "trades",
    "exchange_trades", "taker_buy_volume",
)  # fmt: skip


def bars(silver: DataFrame) -> DataFrame:
    """One row per exchange, symbol and minute with trades: columns BAR."""
    bought = F.when(~F.col("is_buyer_maker"), F.col("qty")).otherwise(F.lit(0))
    grouped = silver.groupBy(
        "exchange", "symbol", F.date_trunc("MINUTE", "event_ts").alias("minute_ts")
    )
    return grouped.agg(
        F.min_by("price", "agg_id").alias("open"),
        F.max("price").alias("high"),
        F.min("price").alias("low"),
        F.max_by("price", "agg_id").alias("close"),
        F.sum("qty").alias("volume"),
        F.sum("quote_qty").alias("quote_volume"),
        F.count("*").alias("trades"),
        F.sum(F.col("last_trade_id") - F.col("first_trade_id") + 1).alias("exchange_trades"),
        F.sum(bought).cast("decimal(38,8)").alias("taker_buy_volume"),
    )


def features(minute_bars: DataFrame) -> DataFrame:
    """Bars with every feature of Gold but `is_final` and `updated_at`.

    A feature is right where the bars reach back 2 x LOOKBACK_MINUTES: the hour of returns before
    it, and the close before the first of those.
    """
    with_prices = (
        minute_bars.withColumn("vwap_1m", _quotient(F.col("quote_volume"), F.col("volume")))
        .withColumn("volume_5m", F.sum("volume").over(_minutes(4, 0)).cast("decimal(38,8)"))
        .withColumn("price_ma_30m", _mean_close(_minutes(29, 0)))
        .withColumn("return_1m", _return(F.last("close").over(_minutes(LOOKBACK_MINUTES, 1))))
    )
    return _with_spikes(with_prices)


def changed_rows(wanted: DataFrame, standing: DataFrame) -> DataFrame:
    """Rows of `wanted` that `standing` has not, or has otherwise (`updated_at` apart)."""
    columns = [name for name in wanted.columns if name not in KEY]
    same = [F.col(f"w.{name}").eqNullSafe(F.col(f"s.{name}")) for name in (*KEY, *columns)]
    condition = same[0]
    for equal in same[1:]:
        condition = condition & equal
    return wanted.alias("w").join(standing.alias("s"), condition, "left_anti")


def _minutes(first: int, last: int) -> WindowSpec:
    """The rows from `first` to `last` minutes before this one."""
    clock = F.expr("unix_seconds(minute_ts)")
    window = Window.partitionBy("exchange", "symbol").orderBy(clock)
    return window.rangeBetween(-60 * first, -60 * last)


def _quotient(numerator: Column, denominator: Column) -> Column:
    return F.try_divide(numerator, denominator).cast("decimal(38,12)")


def _mean_close(window: WindowSpec) -> Column:
    # 30 closes below 10^15 fit 25 digits; the wide divisor leaves the quotient 21 decimals.
    total = F.sum("close").over(window).cast("decimal(25,8)")
    return _quotient(total, F.count("*").over(window).cast("decimal(13,0)"))


def _return(close_before: Column) -> Column:
    # Prices are below 10^15, so 23 digits hold them and leave the quotient 23 decimals.
    narrow = "decimal(23,8)"
    ratio = F.try_divide(F.col("close").cast(narrow), close_before.cast(narrow))
    return (ratio - F.lit(1)).cast("decimal(38,12)")


def _with_spikes(priced: DataFrame) -> DataFrame:
    hour = _minutes(LOOKBACK_MINUTES, 1)
    judged = (
        priced.withColumn("_returns", F.array_sort(F.collect_list("return_1m").over(hour)))
        .withColumn("_volumes", F.array_sort(F.collect_list("volume").over(hour)))
        .withColumn("_usual", F.expr(_low_median("_returns")))
        .withColumn("_off", F.expr("array_sort(transform(_returns, r -> abs(r - _usual)))"))
        .withColumn("spike", F.coalesce(F.expr(_SPIKE), F.lit(False)))
        .withColumn("spike_reasons", F.expr(_REASONS))
    )
    return judged.drop("_returns", "_volumes", "_usual", "_off")


def _low_median(array: str) -> str:
    # The low median is one of the values, so no quotient is rounded on the way.
    return f"get({array}, CAST((size({array}) - 1) div 2 AS INT))"


_SPIKE = f"""size(_returns) >= {SPIKE_WARM_UP_MINUTES}
  AND abs(return_1m) >= {SPIKE_MIN_RETURN}
  AND abs(return_1m - _usual) > {SPIKE_MADS} * {_low_median("_off")}
  AND volume >= {SPIKE_VOLUME_RATIO} * {_low_median("_volumes")}"""
_REASONS = """CASE WHEN NOT spike THEN CAST(array() AS ARRAY<STRING>)
  WHEN return_1m > 0 THEN array('return_up', 'volume_high')
  ELSE array('return_down', 'volume_high') END"""
