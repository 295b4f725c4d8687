"""The quality rules: name → what a row looks like that breaks it.

Names appear as they are in `crypto_quarantine.reasons`, in lakehouse/rules.py (in words) and in
docs/quality.md. Every condition is a Spark SQL expression over Bronze's columns that is true for a
bad row; null counts as kept, so that a missing value is reported once, by its own rule.
"""

from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.rules import UNREADABLE, WRONG
from lakehouse.settings import Settings

REQUIRED = (
    "exchange", "symbol", "agg_id", "price", "qty", "first_trade_id", "last_trade_id",
    "trade_time", "event_time", "is_buyer_maker", "ingest_time", "source", "schema_version",
)  # fmt: skip

# In a regular expression `$` would let a line feed follow; `\z` is the very end.
_END = r"\\z"
# A plain decimal that decimal(28,8) holds without rounding: zeros beyond 8 decimals cost nothing.
_EXACT = rf"^-?[0-9]{{1,15}}([.][0-9]{{1,8}}0*)?{_END}"
_PRODUCT = "try_multiply(try_cast(price AS DECIMAL(28,8)), try_cast(qty AS DECIMAL(28,8)))"
# With at most 18 digits before the points of both, no product reaches 10^18.
_LONG = "length(substring_index(price, '.', 1)) + length(substring_index(qty, '.', 1)) > 18"
_FIRST_DAY = "TIMESTAMP'2010-01-01 00:00:00Z'"
_FIRST_MICROS = 1_262_304_000_000_000
_DAY_MICROS = 86_400_000_000

RULES: dict[str, str] = {
    "symbol_malformed": rf"NOT symbol RLIKE '^[\\p{{L}}\\p{{M}}\\p{{N}}._/:-]{{1,64}}{_END}'",
    "exchange_malformed": f"NOT exchange RLIKE '^[a-z0-9._-]{{1,32}}{_END}'",
    "agg_id_negative": "agg_id < 0",
    "price_not_exact": f"NOT price RLIKE '{_EXACT}'",
    "price_not_positive": "startswith(price, '-') OR translate(price, '0.', '') = ''",
    "qty_not_exact": f"NOT qty RLIKE '{_EXACT}'",
    "qty_not_positive": "startswith(qty, '-') OR translate(qty, '0.', '') = ''",
    # Silver's decimal(38,16) must hold the product and Gold the sum of a minute of them. A product
    # that overflows is null, and too large as well; of no decimals there is none.
    "quote_qty_too_large": f"{_LONG} AND price RLIKE '{_EXACT}' AND qty RLIKE '{_EXACT}' "
    f"AND coalesce({_PRODUCT} >= 1000000000000000000, true)",
    "trade_ids_negative": "first_trade_id < 0",
    "trade_ids_disordered": "first_trade_id > last_trade_id",
    # Gold adds these up: a span that overflows 64 bits would stop its stream for good.
    "trade_count_implausible": "first_trade_id <= last_trade_id "
    "AND coalesce(try_subtract(last_trade_id, first_trade_id) >= 1000000, true)",
    "trade_time_implausible": "trade_time IS NOT NULL AND (event_ts IS NULL "
    f"OR event_ts < {_FIRST_DAY} OR event_ts - INTERVAL 1 DAY > kafka_timestamp)",
    "event_time_implausible": f"event_time < {_FIRST_MICROS} "
    f"OR try_subtract(event_time, {_DAY_MICROS}) > unix_micros(kafka_timestamp)",
    # The clock of the machine that received it: one that is wrong spoils no trade, a wrong unit is
    # no clock's.
    "ingest_time_implausible": "ingest_time IS NOT NULL "
    f"AND (ingest_ts IS NULL OR ingest_ts < {_FIRST_DAY})",
    "source_unknown": "source NOT IN ('ws', 'rest', 'archive', 'simulated')",
    "schema_version_unknown": "schema_version <> 1",
}
SYMBOL_UNKNOWN = "symbol_unknown"


@dataclass(frozen=True)
class Rules:
    """The rules under given settings; without known symbols every symbol is one."""

    known_symbols: tuple[str, ...] = ()

    def broken(self) -> Column:
        """boolean: whether a Bronze row breaks any rule. Cheap: it stops at the first one."""
        missing = [f"{name} IS NULL" for name in REQUIRED]
        rules = [f"coalesce({bad}, false)" for bad in RULES.values()]
        always = F.expr(" OR ".join([*missing, *rules]))
        return always | F.coalesce(self._unknown(), F.lit(False)) if self.known_symbols else always

    def reasons(self) -> Column:
        """array<string>: the rules that a Bronze row breaks; empty for a valid row."""
        nothing_read = F.expr(" AND ".join(f"{name} IS NULL" for name in REQUIRED))
        missing = [F.when(F.col(name).isNull(), F.lit(f"{name}_missing")) for name in REQUIRED]
        present = [F.when(bad, F.lit(name)) for name, bad in self._conditions().items()]
        listed = F.filter(F.array(*missing, *present), lambda reason: reason.isNotNull())
        found = F.when(nothing_read, F.array(F.lit(UNREADABLE))).otherwise(listed)
        return F.when(self.broken(), found).otherwise(F.array().cast("array<string>"))

    def _conditions(self) -> dict[str, Column]:
        """The wrong values that are looked for, in the order of lakehouse/rules.py."""
        return {
            name: F.expr(RULES[name]) if name in RULES else self._unknown()
            for name in WRONG
            if name != SYMBOL_UNKNOWN or self.known_symbols
        }

    def _unknown(self) -> Column:
        return ~F.col("symbol").isin(*self.known_symbols)


def rules(settings: Settings) -> Rules:
    """The rules that these settings ask for."""
    return Rules(settings.known_symbols)
