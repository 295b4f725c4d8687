"""What the audit needs of a message: one pass of msgspec, and the full contract for the rest."""

from typing import Annotated, Final, NamedTuple

from msgspec import Meta, MsgspecError, Struct
from msgspec.json import Decoder

from lakehouse.errors import UnreadableError
from lakehouse.messages import decode as decode_fully
from lakehouse.trade import DECIMAL_TEXT, Source

_Name = Annotated[str, Meta(min_length=1)]
# Ids beyond are in no table: the lake's are 64 bits wide.
_MOST: Final = 2**63 - 1


# msgspec does not look into what it skips, so whatever has more fields goes the long way.
class Quick(Struct, gc=False, forbid_unknown_fields=True):
    """A message of version 1, with the types of the contract."""

    exchange: _Name
    symbol: _Name
    agg_id: int
    price: str
    qty: str
    first_trade_id: int
    last_trade_id: int
    trade_time: int
    event_time: int
    is_buyer_maker: bool
    ingest_time: int
    source: Source
    schema_version: int = 1


class Seen(NamedTuple):
    """A message read the long way."""

    exchange: str
    symbol: str
    agg_id: int
    trade_time: int
    source: str


_decode: Final = Decoder(Quick).decode
_is_decimal: Final = DECIMAL_TEXT.fullmatch


def read(value: bytes | None) -> Quick | Seen:
    """The trade in a message; UnreadableError where it breaks the contract."""
    if value is None:
        raise UnreadableError("no_value")
    try:
        quick = _decode(value)
    except (MsgspecError, UnicodeError, RecursionError):
        return _read_fully(value)
    fits = -_MOST <= quick.agg_id <= _MOST and quick.schema_version == 1
    if not fits or _is_decimal(quick.price) is None or _is_decimal(quick.qty) is None:
        return _read_fully(value)
    return quick


def _read_fully(value: bytes) -> Seen:
    trade = decode_fully(value)
    if abs(trade.agg_id) > _MOST:
        raise UnreadableError("agg_id_too_long")
    return Seen(trade.exchange, trade.symbol, trade.agg_id, trade.trade_time, trade.source)
