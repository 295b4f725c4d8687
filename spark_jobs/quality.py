"""The quality rules: name → what a row looks like that breaks it.

Names appear as they are in `crypto_quarantine.reasons` and in docs/quality.md. Every condition
is a Spark SQL expression over Bronze's columns that is true for a bad row; null counts as kept,
so that a missing value is reported once, by its own rule.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

from spark_jobs import gaps

UNREADABLE = "unreadable"
REQUIRED = (
    "exchange", "symbol", "agg_id", "price", "qty", "first_trade_id", "last_trade_id",
    "trade_time", "event_time", "is_buyer_maker", "ingest_time", "source", "schema_version",
)  # fmt: skip

# A plain decimal that decimal(28,8) holds without rounding: zeros beyond 8 decimals cost nothing.
_EXACT = r"^-?[0-9]{1,15}([.][0-9]{1,8}0*)?$"
_PRODUCT = "try_multiply(try_cast(price AS DECIMAL(28,8)), try_cast(qty AS DECIMAL(28,8)))"
# With at most 18 digits before the points of both, no product reaches 10^18.
_LONG = "length(substring_index(price, '.', 1)) + length(substring_index(qty, '.', 1)) > 18"

RULES: dict[str, str] = {
    "symbol_malformed": "length(symbol) NOT BETWEEN 1 AND 64 OR contains(symbol, ' ')",
    "exchange_malformed": "length(exchange) NOT BETWEEN 1 AND 32 OR exchange <> lower(exchange)",
    "agg_id_negative": "agg_id < 0",
    "price_not_exact": f"NOT price RLIKE '{_EXACT}'",
    "price_not_positive": "startswith(price, '-') OR translate(price, '0.', '') = ''",
    "qty_not_exact": f"NOT qty RLIKE '{_EXACT}'",
    "qty_not_positive": "startswith(qty, '-') OR translate(qty, '0.', '') = ''",
    # Silver's decimal(38,16) must hold the product and Gold the sum of a minute of them. A product
    # that overflows is null, and too large as well; of no decimals there is none.
    "quote_qty_too_large": f"{_LONG} AND price RLIKE '{_EXACT}' AND qty RLIKE '{_EXACT}' "
    f"AND coalesce({_PRODUCT} >= 1000000000000000000, true)",
    "trade_ids_disordered": "first_trade_id > last_trade_id",
    "trade_time_implausible": "event_ts IS NULL OR event_ts < TIMESTAMP'2010-01-01 00:00:00Z' "
    "OR event_ts > kafka_timestamp + INTERVAL 1 DAY",
    "source_unknown": "source NOT IN ('ws', 'rest', 'archive', 'simulated')",
    "schema_version_unknown": "schema_version <> 1",
}


def broken() -> Column:
    """boolean: whether a Bronze row breaks any rule. Cheap: it stops at the first one."""
    missing = [f"{name} IS NULL" for name in REQUIRED]
    rules = [f"coalesce({bad}, false)" for bad in _guarded().values()]
    return F.expr(" OR ".join([*missing, *rules]))


def reasons() -> Column:
    """array<string>: the rules that a Bronze row breaks; empty for a valid row."""
    nothing_read = F.expr(" AND ".join(f"{name} IS NULL" for name in REQUIRED))
    missing = [F.when(F.col(name).isNull(), F.lit(f"{name}_missing")) for name in REQUIRED]
    present = [F.when(F.expr(bad), F.lit(name)) for name, bad in _guarded().items()]
    listed = F.filter(F.array(*missing, *present), lambda reason: reason.isNotNull())
    found = F.when(nothing_read, F.array(F.lit(UNREADABLE))).otherwise(listed)
    return F.when(broken(), found).otherwise(F.array().cast("array<string>"))


def names() -> list[str]:
    """Every name that can stand in `reasons`."""
    return [UNREADABLE, *(f"{name}_missing" for name in REQUIRED), *RULES, *gaps.REASONS]


def _guarded() -> dict[str, str]:
    # A missing time is reported as trade_time_missing, not as implausible as well.
    time_rule = "trade_time_implausible"
    return {**RULES, time_rule: f"trade_time IS NOT NULL AND ({RULES[time_rule]})"}
