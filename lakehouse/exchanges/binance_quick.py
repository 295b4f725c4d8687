"""The quick way to read a frame: one pass of msgspec for the many that are well.

What it gives is what `binance.parse_trade` gives; whatever is unusual is left to that one, which
also says what is wrong. A test holds both equal on generated and mutated frames.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta as Limits
from msgspec import MsgspecError, Struct
from msgspec.json import Decoder

from lakehouse.exchanges.binance import EXCHANGE, MAX_NUMBER, MAX_SYMBOL, MICROSECONDS_FROM
from lakehouse.trade import DECIMAL_TEXT, Source, Trade

_Number = Annotated[int, Limits(ge=-MAX_NUMBER, le=MAX_NUMBER)]
_Symbol = Annotated[str, Limits(min_length=1, max_length=MAX_SYMBOL)]


# msgspec does not look into what it skips, so nothing is skipped: every field stands here.
class _Event(Struct, gc=False, forbid_unknown_fields=True):
    e: Literal["aggTrade"]
    E: _Number
    s: _Symbol
    a: _Number
    p: str
    q: str
    f: _Number
    l: _Number  # noqa: E741  # the exchange's name
    T: _Number
    m: bool
    M: bool = True


class _Frame(Struct, gc=False, forbid_unknown_fields=True):
    stream: str
    data: _Event


_decode: Final = Decoder(_Frame).decode
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
