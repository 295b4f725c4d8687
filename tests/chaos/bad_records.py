"""Records that must end in quarantine, each one's bytes unlike any other's."""

from collections.abc import Callable
from random import Random
from typing import Any, Final

import orjson

Message = dict[str, Any]


def bad_record(rng: Random, number: int, good: Message) -> bytes:
    """Bytes that break at least one rule; `good` is a true message, `number` makes them unique."""
    return rng.choice(_BROKEN)(number, {**good, "ingest_time": good["ingest_time"] + number})


def _changed(**fields: object) -> Callable[[int, Message], bytes]:
    return lambda number, good: orjson.dumps({**good, **fields, "note": number})


def _without(name: str) -> Callable[[int, Message], bytes]:
    return lambda number, good: orjson.dumps(
        {key: value for key, value in good.items() if key != name} | {"note": number}
    )


# Some have the id of a true trade, some one that is nobody's: neither may shake the proof.
_BROKEN: Final[tuple[Callable[[int, Message], bytes], ...]] = (
    lambda number, good: b"no json at all, number %d" % number,
    lambda number, good: orjson.dumps({"number": number, **good})[:-20],
    lambda number, good: b"\xff\xfe\x00 bytes %d" % number,
    lambda number, good: orjson.dumps([number, good]),
    _changed(price="-1.50000000"),
    _changed(price="0.00000000"),
    _changed(price="1e5"),
    _changed(qty="0.00000000"),
    _changed(qty="0.123456789"),
    _changed(trade_time=9_999_999_999_999_999),
    _changed(source="rumour"),
    _changed(first_trade_id=10, last_trade_id=9),
    _changed(agg_id=-1),
    _changed(symbol="BTC USDT"),
    _without("price"),
    _without("agg_id"),
    _without("is_buyer_maker"),
    lambda number, good: orjson.dumps({**good, "agg_id": 10**15 + number, "qty": "-3.00000000"}),
)
