"""What the benchmarks' exchange sends: trade number N is the same in every run. Pure.

Ids are contiguous per symbol from FIRST_ID; the two symbols take turns.
"""

import itertools
import json
from typing import Final
from urllib.parse import parse_qs, urlsplit

from websockets.frames import Frame, Opcode

SYMBOLS: Final = ("BTCUSDT", "ETHUSDT")
FIRST_ID: Final = 3_100_000_000
CHUNK: Final = 100
_MOST_TRADES: Final = 1000
_EVENT: Final = (
    '{"e":"aggTrade","E":%d,"s":"%s","a":%d,"p":"%d.%02d000000",'
    '"q":"0.%05d000","f":%d,"l":%d,"T":%d,"m":%s,"M":true}'
)


def event(number: int) -> str:
    """The exchange's text for trade `number`."""
    symbol, agg_id = SYMBOLS[number % 2], FIRST_ID + number // 2
    at, mixed = 1_723_161_255_343 + number // 50, number * 2_654_435_761 % 2**32
    return _EVENT % (
        at + 1, symbol, agg_id, 61_000 + mixed % 977, mixed % 100,
        mixed % 99_991, agg_id, agg_id, at, "true" if mixed & 1 else "false",
    )  # fmt: skip


def frame(number: int) -> bytes:
    """A frame of the combined stream as it is on the wire (not masked: a server's)."""
    stream = f"{SYMBOLS[number % 2].lower()}@aggTrade"
    text = f'{{"stream":"{stream}","data":{event(number)}}}'
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


def chunk(first: int, end: int) -> bytes:
    """The frames from `first` to before `end`, on the wire."""
    return b"".join(map(frame, range(first, end)))


def rest_answer(target: str, sent: int) -> str | None:
    """The JSON for a REST request while `sent` trades have happened; None: no such path."""
    parts = urlsplit(target)
    if parts.path == "/api/v3/exchangeInfo":
        return json.dumps({"timezone": "UTC", "symbols": [_instrument(name) for name in SYMBOLS]})
    if parts.path == "/api/v3/aggTrades":
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return f"[{','.join(_trades(query, sent))}]"
    return "{}" if parts.path == "/api/v3/ping" else None


def _trades(query: dict[str, str], sent: int) -> list[str]:
    row = SYMBOLS.index(query["symbol"])
    limit = min(int(query.get("limit", "500")), _MOST_TRADES)
    happened = (sent - row + 1) // 2
    first = int(query["fromId"]) - FIRST_ID if "fromId" in query else happened - limit
    wanted = itertools.islice(range(max(first, 0), happened), limit)
    return [event(index * 2 + row) for index in wanted]


def _instrument(symbol: str) -> dict[str, object]:
    price_filter = {"filterType": "PRICE_FILTER", "tickSize": "0.01000000"}
    return {
        "symbol": symbol,
        "status": "TRADING",
        "baseAsset": symbol.removesuffix("USDT"),
        "quoteAsset": "USDT",
        "isSpotTradingAllowed": True,
        "filters": [price_filter],
    }
