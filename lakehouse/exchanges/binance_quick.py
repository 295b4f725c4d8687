"""The quick way to read a frame or a page of REST: one pass of msgspec for the many that are well.

What it gives is what `binance.parse_trade` and `parse_rest_trade` give; whatever is unusual is
left to these, which also say what is wrong. Tests hold both equal on generated and mutated bytes.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta as Limits
from msgspec import MsgspecError, Struct
from msgspec.json import Decoder

from lakehouse.exchanges.binance import (
    EXCHANGE,
    MAX_NUMBER,
    MAX_SYMBOL,
    MICROSECONDS_FROM,
    micros,
)
from lakehouse.trade import DECIMAL_TEXT, Source, Trade

_Number = Annotated[int, Limits(ge=-MAX_NUMBER, le=MAX_NUMBER)]
_Symbol = Annotated[str, Limits(min_length=1, max_length=MAX_SYMBOL)]


# msgspec does not look into what it skips, so nothing is skipped: every field stands here.
class _Row(Struct, gc=False, forbid_unknown_fields=True):
    a: _Number
    p: str
    q: str
    f: _Number
    l: _Number  # noqa: E741  # the exchange's name
    T: _Number
    m: bool
    M: bool = True


class _Event(_Row, gc=False, forbid_unknown_fields=True, kw_only=True):
    e: Literal["aggTrade"]
    E: _Number
    s: _Symbol


class _Frame(Struct, gc=False, forbid_unknown_fields=True):
    stream: str
    data: _Event


_decode: Final = Decoder(_Frame).decode
_decode_rows: Final = Decoder(list[_Row]).decode
_is_decimal: Final = DECIMAL_TEXT.fullmatch


def trade_of(raw: bytes, ingest_time: int, source: Source = "ws") -> Trade | None:
    """The trade in a frame of the combined stream; None where it takes the full parser to tell.

    `ingest_time` is the receive time in µs UTC. Never raises.
    """
    try:
        event = _decode(raw).data
    except (MsgspecError, UnicodeError, RecursionError):
        return None
    price, qty, trade_time, event_time = event.p, event.q, event.T, event.E
    if _is_decimal(price) is None or _is_decimal(qty) is None or not event.s.isprintable():
        return None
    return Trade(
        EXCHANGE, event.s, event.a, price, qty, event.f, event.l,
        trade_time if trade_time >= MICROSECONDS_FROM else trade_time * 1000,
        event_time if event_time >= MICROSECONDS_FROM else event_time * 1000,
        event.m, ingest_time, source,
    )  # fmt: skip


def rest_trades_of(body: bytes, symbol: str, ingest_time: int) -> list[Trade] | None:
    """The trades of an aggTrades answer; None where it takes the full parser. Never raises."""
    try:
        rows = _decode_rows(body)
    except (MsgspecError, UnicodeError, RecursionError):
        return None
    if not (0 < len(symbol) <= MAX_SYMBOL and symbol.isprintable()):
        return None
    if not all(_is_decimal(row.p) and _is_decimal(row.q) for row in rows):
        return None
    return [_rest_trade(symbol, row, ingest_time) for row in rows]


def _rest_trade(symbol: str, row: _Row, ingest_time: int) -> Trade:
    time = micros(row.T)
    return Trade(
        EXCHANGE, symbol, row.a, row.p, row.q, row.f, row.l, time, time, row.m, ingest_time, "rest"
    )
