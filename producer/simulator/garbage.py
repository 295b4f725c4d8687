"""Frames that nobody can read, made of one that can be read. Pure, seeded.

Every kind is refused by `lakehouse.exchanges.binance`; a test asserts it for each.
"""

from collections.abc import Callable
from random import Random
from typing import Any, Final

import orjson

_FIELDS: Final = ("e", "E", "s", "a", "p", "q", "f", "l", "T", "m")
_WRONG: Final[tuple[tuple[str, object], ...]] = (
    ("a", "12"), ("a", None), ("a", 1.5), ("a", True), ("p", 61837.63), ("p", "NaN"),
    ("p", "1e5"), ("p", ""), ("p", "6 1"), ("q", None), ("q", "Infinity"), ("q", ["1"]),
    ("f", "x"), ("l", {}), ("T", "2024-08-09"), ("E", -0.5), ("m", "true"), ("m", 1),
    ("s", 7), ("s", ""), ("s", "BTC\x00USDT"), ("e", "aggtrade"),
)  # fmt: skip


def _truncated(rng: Random, payload: bytes) -> bytes:
    return payload[: rng.randrange(1, len(payload) - 1)] if len(payload) > 2 else b"{"


def _binary(rng: Random, payload: bytes) -> bytes:
    del payload
    return b"\xff" + rng.randbytes(rng.randrange(1, 200))


def _empty(rng: Random, payload: bytes) -> bytes:
    del rng, payload
    return b""


def _not_json(rng: Random, payload: bytes) -> bytes:
    return rng.choice((b"<html>502 Bad Gateway</html>", b"pong", b"{'e':'aggTrade'}", payload * 2))


def _not_an_object(rng: Random, payload: bytes) -> bytes:
    return rng.choice((b"null", b"42", b'"aggTrade"', b"[]", b"[" + payload + b"]"))


def _wrong_type(rng: Random, payload: bytes) -> bytes:
    field, value = rng.choice(_WRONG)
    return _with(payload, lambda event: event | {field: value})


def _missing_field(rng: Random, payload: bytes) -> bytes:
    field = rng.choice(_FIELDS)
    return _with(payload, lambda event: {key: event[key] for key in event if key != field})


def _huge_number(rng: Random, payload: bytes) -> bytes:
    field = rng.choice(("a", "f", "l", "T", "E", "p", "q"))
    digits = "9" * rng.choice((41, 400, 5000))
    if field in ("p", "q"):
        return _with(payload, lambda event: event | {field: digits})
    marked = _with(payload, lambda event: event | {field: "HUGE"})
    return marked.replace(b'"HUGE"', digits[: rng.choice((19, 5000))].encode())


def _nested(rng: Random, payload: bytes) -> bytes:
    if rng.random() < 0.3:
        depth = rng.choice((2000, 20000))
        return b'{"data":' * depth + b"1" + b"}" * depth
    return _with(payload, lambda event: {"data": [event], "e": {"e": event}})


_KINDS: Final[dict[str, Callable[[Random, bytes], bytes]]] = {
    "truncated": _truncated,
    "binary": _binary,
    "empty": _empty,
    "not_json": _not_json,
    "not_an_object": _not_an_object,
    "wrong_type": _wrong_type,
    "missing_field": _missing_field,
    "huge_number": _huge_number,
    "nested": _nested,
}
KINDS: Final = tuple(_KINDS)


def make(rng: Random, payload: bytes, kind: str | None = None) -> bytes:
    """One unreadable frame, of a random kind unless named; `payload` is a readable trade."""
    return _KINDS[kind or rng.choice(KINDS)](rng, payload)


def _with(payload: bytes, change: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
    frame = orjson.loads(payload)
    if "data" in frame:
        return orjson.dumps(frame | {"data": change(frame["data"])})
    return orjson.dumps(change(frame))
