"""What the audit needs of a message: one pass of msgspec, and the full contract for the rest."""

from typing import Final, NamedTuple

from msgspec import MsgspecError
from msgspec.json import Decoder

from lakehouse.errors import UnreadableError
from lakehouse.messages import SCHEMA_VERSION, QuickMessage
from lakehouse.messages import decode as decode_fully
from lakehouse.trade import DECIMAL_TEXT

# Ids beyond are in no table: the lake's are 64 bits wide.
_MOST: Final = 2**63 - 1


class Seen(NamedTuple):
    """A message read the long way."""

    exchange: str
    symbol: str
    agg_id: int
    trade_time: int
    source: str


_decode: Final = Decoder(QuickMessage).decode
_is_decimal: Final = DECIMAL_TEXT.fullmatch


def read(value: bytes | None) -> QuickMessage | Seen:
    """The trade in a message; UnreadableError where it breaks the contract."""
    if value is None:
        raise UnreadableError("no_value")
    try:
        quick = _decode(value)
    except (MsgspecError, UnicodeError, RecursionError):
        return _read_fully(value)
    fits = -_MOST <= quick.agg_id <= _MOST and quick.schema_version == SCHEMA_VERSION
    if not fits or _is_decimal(quick.price) is None or _is_decimal(quick.qty) is None:
        return _read_fully(value)
    return quick


def _read_fully(value: bytes) -> Seen:
    trade = decode_fully(value)
    if abs(trade.agg_id) > _MOST:
        raise UnreadableError("agg_id_too_long")
    return Seen(trade.exchange, trade.symbol, trade.agg_id, trade.trade_time, trade.source)
