"""The quality rules in words: name → when a row breaks it. Pure.

The conditions themselves are in spark_jobs/quality.py (trades) and spark_jobs/gaps.py (messages on
the gap topic); tests hold both, and docs/quality.md, equal to this list.
"""

from typing import Final

_WHOLE: Final = "is absent, null or no whole number"
_TEXT: Final = "is absent or null"
_DECIMAL: Final = "is no plain decimal of at most 15 digits before the point and 8 behind it"

MISSING: Final[dict[str, str]] = {
    "exchange_missing": f"exchange {_TEXT}",
    "symbol_missing": f"symbol {_TEXT}",
    "agg_id_missing": f"agg_id {_WHOLE}",
    "price_missing": f"price {_TEXT}",
    "qty_missing": f"qty {_TEXT}",
    "first_trade_id_missing": f"first_trade_id {_WHOLE}",
    "last_trade_id_missing": f"last_trade_id {_WHOLE}",
    "trade_time_missing": f"trade_time {_WHOLE}",
    "event_time_missing": f"event_time {_WHOLE}",
    "is_buyer_maker_missing": "is_buyer_maker is absent, null or no boolean",
    "ingest_time_missing": f"ingest_time {_WHOLE}",
    "source_missing": f"source {_TEXT}",
    "schema_version_missing": f"schema_version {_WHOLE}",
}
WRONG: Final[dict[str, str]] = {
    "symbol_malformed": "symbol is not 1 to 64 letters, digits or any of . _ / : -",
    "symbol_unknown": "symbol is not among KNOWN_SYMBOLS (where that is empty, none breaks this)",
    "exchange_malformed": "exchange is not 1 to 32 of a-z, 0-9 or any of . _ -",
    "agg_id_negative": "agg_id is below 0",
    "price_not_exact": f"price {_DECIMAL}",
    "price_not_positive": "price is not above 0",
    "qty_not_exact": f"qty {_DECIMAL}",
    "qty_not_positive": "qty is not above 0",
    "quote_qty_too_large": "price × qty is 10^18 or more",
    "trade_ids_negative": "first_trade_id is below 0",
    "trade_ids_disordered": "first_trade_id is above last_trade_id",
    "trade_count_implausible": "first_trade_id to last_trade_id are more than 1,000,000 trades",
    "trade_time_implausible": "trade_time is before 2010, or over a day after Kafka's timestamp",
    "event_time_implausible": "event_time is before 2010, or over a day after Kafka's timestamp",
    "ingest_time_implausible": "ingest_time is before 2010 or after 2199",
    "source_unknown": "source is none of ws, rest, archive, simulated",
    "schema_version_unknown": "schema_version is not 1",
}
UNREADABLE: Final = "unreadable"
GAP_UNREADABLE: Final = "gap_unreadable"
GAP_IMPLAUSIBLE: Final = "gap_implausible"
OF_GAPS: Final[dict[str, str]] = {
    GAP_UNREADABLE: "the message breaks the contract of the gap topic, or is over 16 KiB",
    GAP_IMPLAUSIBLE: "its ids are not 0 ≤ from_id ≤ to_id < 2^63, or a time is beyond 1970 to 9999",
}
MEANING: Final[dict[str, str]] = {
    UNREADABLE: "not one field of the message could be read",
    **MISSING,
    **WRONG,
    **OF_GAPS,
}
