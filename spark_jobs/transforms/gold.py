"""Silver trades → minute bars → Gold features. Pure functions of their rows.

The statements are sql/crypto_gold_minute/{bars,features}.sql: one statement is analysed once,
where a chain of columns is analysed anew at every link (0.2 s a batch). docs/gold.md gives the
meaning of each column and the spike rule.
"""

from decimal import Decimal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse import tables
from lakehouse.settings import Settings

# What makes a median absolute deviation comparable to a standard deviation.
_DEVIATIONS_IN_A_SCORE = Decimal("1.4826")

KEY = ("exchange", "symbol", "minute_ts")
BAR = (
    *KEY, "open", "high", "low", "close", "volume", "quote_volume", "trades",
    "exchange_trades", "taker_buy_volume",
)  # fmt: skip


def spike_rule(settings: Settings) -> dict[str, object]:
    """The values of the rule that features.sql takes, exact."""
    return {
        "warm_up_minutes": settings.spike_warm_up_minutes,
        "least_return": settings.spike_least_return,
        "most_deviations": settings.spike_z_score * _DEVIATIONS_IN_A_SCORE,
        "volume_ratio": settings.spike_volume_ratio,
    }


def bars(silver: DataFrame) -> DataFrame:
    """One row per exchange, symbol and minute with trades: columns BAR."""
    return _by_statement("bars", silver, {})


def features(minute_bars: DataFrame, rule: dict[str, object]) -> DataFrame:
    """Bars with every feature of Gold but `is_final` and `updated_at`; `rule` as `spike_rule`.

    A feature is right where the bars reach back twice minutes.LOOKBACK_MINUTES.
    """
    return _by_statement("features", minute_bars, rule)


def changed_rows(wanted: DataFrame, standing: DataFrame) -> DataFrame:
    """Rows of `wanted` that `standing` has not, or has otherwise (`updated_at` apart)."""
    same = F.lit(True)
    for name in wanted.columns:
        same = same & F.col(f"w.{name}").eqNullSafe(F.col(f"s.{name}"))
    return wanted.alias("w").join(standing.alias("s"), same, "left_anti")


def _by_statement(name: str, rows: DataFrame, values: dict[str, object]) -> DataFrame:
    view = f"gold_{name}_source"
    rows.createOrReplaceTempView(view)
    statement = tables.statement(tables.GOLD, name).format(source=view)
    return rows.sparkSession.sql(statement, args=values)
