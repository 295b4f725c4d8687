"""What Binance's spot messages mean. Pure: payload and receive time in, trade out.

Source: Binance spot API, web socket streams and `GET /api/v3/aggTrades`. Used live, in replay
and for history, so that a trade means the same wherever it came from.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from lakehouse.errors import UnreadableError
from lakehouse.trade import Source, Trade, is_decimal_text

EXCHANGE = "binance"
# Binance sends milliseconds unless microseconds are asked for; 10**14 ms would be the year 5138.
_MICROSECONDS_FROM = 100_000_000_000_000
_MAX_INT64 = 2**63 - 1
_MAX_SYMBOL = 64


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
        trade = Trade(
            EXCHANGE, event["s"], event["a"], event["p"], event["q"], event["f"], event["l"],
            event["T"], event["E"], event["m"], ingest_time, source,
        )  # fmt: skip
    except KeyError as missing:
        raise UnreadableError(f"field_missing:{missing.args[0]}") from None
    return _checked(trade)


def parse_rest_trade(symbol: str, row: Mapping[str, Any], ingest_time: int) -> Trade:
    """One row of `GET /api/v3/aggTrades`. REST has no event time: the trade time stands in."""
    if not isinstance(row, Mapping):
        raise UnreadableError("row_not_an_object")
    event = {**row, "e": "aggTrade", "s": symbol, "E": row.get("T")}
    return parse_trade(event, ingest_time, "rest")


def micros(time: int) -> int:
    """A time of the exchange, in ms or µs, in µs."""
    return time if time >= _MICROSECONDS_FROM else time * 1000


def _checked(trade: Trade) -> Trade:
    symbol = trade.symbol
    if not (isinstance(symbol, str) and 0 < len(symbol) <= _MAX_SYMBOL and symbol.isprintable()):
        raise UnreadableError("symbol_unreadable")
    for name, number in (
        ("agg_id", trade.agg_id),
        ("first_trade_id", trade.first_trade_id),
        ("last_trade_id", trade.last_trade_id),
        ("trade_time", trade.trade_time),
        ("event_time", trade.event_time),
    ):
        if type(number) is not int or abs(number) > _MAX_INT64 // 1000:
            raise UnreadableError(f"{name}_unreadable")
    if not is_decimal_text(trade.price):
        raise UnreadableError("price_unreadable")
    if not is_decimal_text(trade.qty):
        raise UnreadableError("qty_unreadable")
    if type(trade.is_buyer_maker) is not bool:
        raise UnreadableError("is_buyer_maker_unreadable")
    return trade._replace(trade_time=micros(trade.trade_time), event_time=micros(trade.event_time))
