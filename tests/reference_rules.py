"""The quality rules of docs/quality.md once more, slowly and on Python's numbers: the oracle."""

import json
from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Any
from unicodedata import category

FIELDS = {
    "exchange": str, "symbol": str, "agg_id": int, "price": str, "qty": str,
    "first_trade_id": int, "last_trade_id": int, "trade_time": int, "event_time": int,
    "is_buyer_maker": bool, "ingest_time": int, "source": str, "schema_version": int,
}  # fmt: skip
YEAR_2010, YEAR_2200 = 1_262_304_000_000_000, 7_258_118_400_000_000
DAY = 86_400_000_000


def broken(
    fields: Mapping[str, Any], kafka_time: int | None, known_symbols: Collection[str] = ()
) -> list[str]:
    """The rules that a message breaks, in their order; `kafka_time` is in µs, None: not known.

    A field that is absent, null or of another type counts as missing; a text that is written as a
    number or the like is that text.
    """
    read = {name: _read(name, fields.get(name), kind) for name, kind in FIELDS.items()}
    if all(value is None for value in read.values()):
        return ["unreadable"]
    missing = [f"{name}_missing" for name, value in read.items() if value is None]
    given = {name: value for name, value in read.items() if value is not None}
    wrong = {
        **_names(given, known_symbols), **_amounts(given), **_ids(given),
        **_times(given, kafka_time), **_origin(given),
    }  # fmt: skip
    return [*missing, *(name for name, is_so in wrong.items() if is_so)]


def _read(name: str, value: Any, kind: type) -> object:
    if kind is str and value is not None and type(value) is not str:
        return json.dumps(value)
    if type(value) is not kind:
        return None
    bits = 31 if name == "schema_version" else 63
    return None if kind is int and not -(2**bits) <= value < 2**bits else value


def _names(given: Mapping[str, Any], known: Collection[str]) -> dict[str, bool]:
    symbol, exchange = given.get("symbol", "X"), given.get("exchange", "x")
    lower = set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    return {
        "symbol_malformed": not 1 <= len(symbol) <= 64
        or not all(category(char)[0] in "LMN" or char in "._/:-" for char in symbol),
        "symbol_unknown": "symbol" in given and bool(known) and symbol not in known,
        "exchange_malformed": not 1 <= len(exchange) <= 32 or not {*exchange} <= lower,
        "agg_id_negative": given.get("agg_id", 0) < 0,
    }


def _amounts(given: Mapping[str, Any]) -> dict[str, bool]:
    found = {}
    for name in ("price", "qty"):
        text = given.get(name, "1")
        found[f"{name}_not_exact"] = exact(text) is None
        found[f"{name}_not_positive"] = text.startswith("-") or not {*text} - {*"0."}
    values = [exact(given[name]) for name in ("price", "qty") if name in given]
    product = [value for value in values if value is not None]
    found["quote_qty_too_large"] = len(product) == 2 and product[0] * product[1] >= 10**18
    return found


def exact(text: str) -> Fraction | None:
    """A plain decimal that decimal(28,8) holds; None for anything else."""
    whole, point, rest = text.removeprefix("-").partition(".")
    digits = set("0123456789")
    if not (1 <= len(whole) <= 15 and {*whole, *rest} <= digits and bool(rest) == bool(point)):
        return None
    return Fraction(text) if not {*rest[8:]} - {"0"} else None


def _ids(given: Mapping[str, Any]) -> dict[str, bool]:
    first, last = given.get("first_trade_id"), given.get("last_trade_id")
    found = {"trade_ids_negative": first is not None and first < 0}
    if first is not None and last is not None:
        found["trade_ids_disordered"] = first > last
        found["trade_count_implausible"] = last - first + 1 > 1_000_000
    return found


def _times(given: Mapping[str, Any], kafka_time: int | None) -> dict[str, bool]:
    latest = YEAR_2200 if kafka_time is None else kafka_time + DAY
    trade, event, ingest = (
        given.get(f"{name}_time", YEAR_2010) for name in ("trade", "event", "ingest")
    )
    return {
        "trade_time_implausible": not YEAR_2010 <= trade <= min(latest, YEAR_2200),
        "event_time_implausible": not YEAR_2010 <= event <= latest,
        "ingest_time_implausible": not YEAR_2010 <= ingest <= YEAR_2200,
    }


def _origin(given: Mapping[str, Any]) -> dict[str, bool]:
    return {
        "source_unknown": given.get("source", "ws") not in ("ws", "rest", "archive", "simulated"),
        "schema_version_unknown": given.get("schema_version", 1) != 1,
    }
