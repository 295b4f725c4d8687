"""What goes over the wire: one emitted frame, and its bytes as a websocket message. Pure."""

import struct
from typing import Final, NamedTuple

import orjson

TEXT: Final = 0x1
BINARY: Final = 0x2
_FINAL_FRAGMENT: Final = 0x80


class Tick(NamedTuple):
    """One aggregate trade of the exchange's history. `time` is in microseconds UTC."""

    agg_id: int
    price: str
    qty: str
    first_trade_id: int
    last_trade_id: int
    time: int
    is_buyer_maker: bool


class Frame(NamedTuple):
    """One frame as the exchange emits it, before faults.

    `due` is when it is sent on the exchange's clock (µs UTC; 0: no time known yet). `stream` is
    the combined-stream name, None for what goes to every connection. `wire` is the complete
    websocket message of `payload`. `agg_id` is -1 where the frame carries no trade.
    """

    due: int
    stream: str | None
    payload: bytes
    wire: bytes
    symbol: str = ""
    agg_id: int = -1
    readable: bool = True


def message(payload: bytes, opcode: int = TEXT) -> bytes:
    """`payload` as one unmasked, unfragmented websocket message (RFC 6455, section 5.2)."""
    first, size = _FINAL_FRAGMENT | opcode, len(payload)
    if size < 126:
        return struct.pack("!BB", first, size) + payload
    if size < 65536:
        return struct.pack("!BBH", first, 126, size) + payload
    return struct.pack("!BBQ", first, 127, size) + payload


def opcode_of(payload: bytes) -> int:
    """Text where the bytes are valid UTF-8, as the protocol demands; else binary."""
    try:
        payload.decode()
    except UnicodeDecodeError:
        return BINARY
    return TEXT


def unnamed(payload: bytes, due: int, readable: bool = False) -> Frame:
    """A frame of no stream: it goes to every connection exactly as it is."""
    return Frame(due, None, payload, message(payload, opcode_of(payload)), readable=readable)


def raw_payload(frame: Frame) -> bytes:
    """The event alone, as `/ws/<stream>` sends it: what stands in `data`, byte for byte."""
    if frame.stream is None:
        return frame.payload
    head = b'{"stream":"' + frame.stream.encode() + b'","data":'
    if frame.payload.startswith(head) and frame.payload.endswith(b"}"):
        return frame.payload[len(head) : -1]
    return orjson.dumps(orjson.loads(frame.payload)["data"])


def rest_row(tick: Tick) -> dict[str, object]:
    """One row of `GET /api/v3/aggTrades`; `T` in milliseconds as the exchange gives it."""
    return {
        "a": tick.agg_id,
        "p": tick.price,
        "q": tick.qty,
        "f": tick.first_trade_id,
        "l": tick.last_trade_id,
        "T": tick.time // 1000,
        "m": tick.is_buyer_maker,
        "M": True,
    }
