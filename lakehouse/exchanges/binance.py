"""What Binance's spot messages mean. Pure: payload and receive time in, trade out.

Source: Binance spot API, web socket streams and `GET /api/v3/aggTrades`. Used live, in replay
and for history, so that a trade means the same wherever it came from.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from lakehouse.errors import UnreadableError
from lakehouse.trade import DECIMAL_TEXT, Source, Trade, is_decimal_text

EXCHANGE = "binance"
# Binance sends milliseconds unless microseconds are asked for; 10**14 ms would be the year 5138.
MICROSECONDS_FROM = 100_000_000_000_000
# So that a number of milliseconds still fits 64 bits as microseconds.
MAX_NUMBER = (2**63 - 1) // 1000
MAX_SYMBOL = 64
_NUMBER_NAMES = ("agg_id", "first_trade_id", "last_trade_id", "trade_time", "event_time")
_is_decimal = DECIMAL_TEXT.fullmatch


def stream_name(symbol: str) -> str:
    """The combined-stream name of a symbol's aggregate trades: `btcusdt@aggTrade`."""
    return f"{symbol.lower()}@aggTrade"


def parse_frame(payload: bytes | str) -> dict[str, Any]:
    """Decode one websocket frame to its JSON object; UnreadableError says why it is none."""
    if not payload:
        raise UnreadableError("empty_frame")
    try:
        frame = orjson.loads(payload)
    except (orjson.JSONDecodeError, RecursionError):
        raise UnreadableError("not_json") from None
    if not isinstance(frame, dict):
        raise UnreadableError("not_an_object")
    return frame


def event_of(frame: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event inside a frame: combined streams wrap it in `data`, raw streams don't."""
    data = frame.get("data", frame)
    if not isinstance(data, dict):
        raise UnreadableError("data_not_an_object")
    return data


def parse_trade(event: Mapping[str, Any], ingest_time: int, source: Source = "ws") -> Trade:
    """An `aggTrade` event as a Trade; `ingest_time` is its receive time in µs UTC.

    Raises UnreadableError with the reason where a field is missing or of the wrong type. What a
    value may be (positive, plausible) is not judged here: Silver's rules do that.
    """
    try:
        if event["e"] != "aggTrade":
            raise UnreadableError("not_an_agg_trade")
        symbol, agg_id, price, qty = event["s"], event["a"], event["p"], event["q"]
        first_id, last_id = event["f"], event["l"]
        trade_time, event_time, taker_sold = event["T"], event["E"], event["m"]
    except KeyError as missing:
        raise UnreadableError(f"field_missing:{missing.args[0]}") from None
    numbers = (agg_id, first_id, last_id, trade_time, event_time)
    # One pass for the many that are well; which field is wrong is asked only when one is.
    if not (_are_ids(numbers) and _are_texts(symbol, price, qty) and type(taker_sold) is bool):
        raise UnreadableError(_what_is_wrong(symbol, price, qty, numbers))
    return Trade(
        EXCHANGE, symbol, agg_id, price, qty, first_id, last_id,
        trade_time if trade_time >= MICROSECONDS_FROM else trade_time * 1000,
        event_time if event_time >= MICROSECONDS_FROM else event_time * 1000,
        taker_sold, ingest_time, source,
    )  # fmt: skip


def parse_rest_trade(symbol: str, row: Mapping[str, Any], ingest_time: int) -> Trade:
    """One row of `GET /api/v3/aggTrades`. REST has no event time: the trade time stands in."""
    if not isinstance(row, Mapping):
        raise UnreadableError("row_not_an_object")
    event = {**row, "e": "aggTrade", "s": symbol, "E": row.get("T")}
    return parse_trade(event, ingest_time, "rest")


def micros(time: int) -> int:
    """A time of the exchange, in ms or µs, in µs."""
    return time if time >= MICROSECONDS_FROM else time * 1000


def _are_ids(numbers: tuple[Any, ...]) -> bool:
    for number in numbers:
        if type(number) is not int or not -MAX_NUMBER <= number <= MAX_NUMBER:
            return False
    return True


def _are_texts(symbol: Any, price: Any, qty: Any) -> bool:
    return (
        _is_symbol(symbol)
        and type(price) is type(qty) is str
        and _is_decimal(price) is not None
        and _is_decimal(qty) is not None
    )


def _is_symbol(symbol: Any) -> bool:
    return type(symbol) is str and 0 < len(symbol) <= MAX_SYMBOL and symbol.isprintable()


def _what_is_wrong(symbol: Any, price: Any, qty: Any, numbers: tuple[Any, ...]) -> str:
    if not _is_symbol(symbol):
        return "symbol_unreadable"
    for name, number in zip(_NUMBER_NAMES, numbers, strict=True):
        if not _are_ids((number,)):
            return f"{name}_unreadable"
    if not is_decimal_text(price):
        return "price_unreadable"
    return "is_buyer_maker_unreadable" if is_decimal_text(qty) else "qty_unreadable"
