"""Seeded mutations of real frames: bytes, words and fields. Pure; no test lives here."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final

import orjson

EVENT: Final[dict[str, Any]] = {
    "e": "aggTrade", "E": 1723161255343, "s": "BTCUSDT", "a": 3100000000, "p": "61837.63000000",
    "q": "0.02000000", "f": 3735683259, "l": 3735683260, "T": 1723161255342, "m": True, "M": True,
}  # fmt: skip
TRADE: Final = orjson.dumps({"stream": "btcusdt@aggTrade", "data": EVENT})
# One of each thing an exchange sends: what is mutated should be near every way through the code.
FRAMES: Final[tuple[bytes, ...]] = (
    TRADE,
    orjson.dumps(EVENT),
    orjson.dumps({"stream": "ethusdt@aggTrade", "data": {**EVENT, "s": "ETHUSDT", "m": False}}),
    orjson.dumps({"stream": "币安人生usdt@aggTrade", "data": {**EVENT, "s": "币安人生USDT"}}),
    b'{"result":null,"id":1}',
    b'{"result":["btcusdt@aggTrade"],"id":"abc"}',
    b'{"error":{"code":2,"msg":"Invalid request"},"id":null}',
    b'{"e":"serverShutdown","E":1723161255343}',
)
# Raw JSON that takes a value's place; much of it is not JSON at all.
_VALUES: Final[tuple[bytes, ...]] = (
    b"null", b"true", b"false", b"0", b"-0", b"-1", b"1.0", b"1e5", b"1e400", b"-1e-400", b"NaN",
    b"Infinity", b"00", b"01", b"9007199254740993", b"9223372036854775", b"9223372036854776",
    b"9223372036854775807", b"9223372036854775808", b"18446744073709551616", b"-9223372036854776",
    b"9" * 400, b"9" * 5000, b'""', b'"0"', b'"1e5"', b'"NaN"', b'" 1"', b'"1 "', b'"+1"',
    b'"-1"', b'"1."', b'".1"', b'"' + b"1" * 41 + b'"', b'"0.' + b"0" * 41 + b'"', b'"\xd9\xa1"',
    b'"\\u0661"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\xed\xa0\x80"', b'"\xff"', b'"\\u0000"',
    b'"\x00"', b'"\x1f"', b'"\xe2\x80\xae"', b'"\xf0\x9f\x98\x80"', b'"e\xcc\x81"',
    b'"' + b"A" * 65 + b'"', b'"aggtrade"', b'"aggTrade"', b"[]", b"{}", b"[[]]", b"/**/1", b"'x'",
    b'{"e":"aggTrade"}', b"[" * 64 + b"]" * 64, b"[" * 3000 + b"]" * 3000,
    b'{"a":' * 300 + b"1" + b"}" * 300, b"",
)  # fmt: skip
_NAMES: Final[tuple[bytes, ...]] = tuple(b'"%s"' % name.encode() for name in EVENT)
_TOKENS: Final[tuple[bytes, ...]] = (
    *_NAMES, b'"data"', b'"stream"', b'"result"', b'"id"', b'"error"', b"{", b"}", b"[", b"]", b":",
    b",", b'"', b"\\", b"\xef\xbb\xbf", b"\n", b" ", b"\x00",
)  # fmt: skip


def frames(seed: int, count: int) -> Iterator[bytes]:
    """`count` frames: the same for the same seed. Three in ten are untouched."""
    rng = Random(seed)
    draw, choices = rng.random, len(_MUTATORS)
    for _ in range(count):
        raw = FRAMES[int(draw() ** 2 * len(FRAMES))]
        while draw() < 0.7:
            raw = _MUTATORS[int(draw() * choices)](rng, raw)
        yield raw if len(raw) < 100_000 else raw[:100_000]


def _at(rng: Random, raw: bytes) -> int:
    return int(rng.random() * (len(raw) + 1))


def _flip_bit(rng: Random, raw: bytes) -> bytes:
    if not raw:
        return raw
    at = int(rng.random() * len(raw))
    return raw[:at] + bytes((raw[at] ^ 1 << int(rng.random() * 8),)) + raw[at + 1 :]


def _replace_byte(rng: Random, raw: bytes) -> bytes:
    at = _at(rng, raw)
    return raw[:at] + bytes((int(rng.random() * 256),)) + raw[at + 1 :]


def _truncate(rng: Random, raw: bytes) -> bytes:
    return raw[: _at(rng, raw)]


def _behead(rng: Random, raw: bytes) -> bytes:
    return raw[_at(rng, raw) :]


def _cut_out(rng: Random, raw: bytes) -> bytes:
    at = _at(rng, raw)
    return raw[:at] + raw[at + int(rng.random() * 16) :]


def _double(rng: Random, raw: bytes) -> bytes:
    at = _at(rng, raw)
    end = at + int(rng.random() * 32)
    return raw[:end] + raw[at:]


def _splice(rng: Random, raw: bytes) -> bytes:
    other = rng.choice(FRAMES)
    return raw[: _at(rng, raw)] + other[_at(rng, other) :]


def _insert_token(rng: Random, raw: bytes) -> bytes:
    at = _at(rng, raw)
    return raw[:at] + rng.choice(_TOKENS) + raw[at:]


def _insert_bytes(rng: Random, raw: bytes) -> bytes:
    at = _at(rng, raw)
    return raw[:at] + rng.randbytes(1 + int(rng.random() * 8)) + raw[at:]


def _change_digit(rng: Random, raw: bytes) -> bytes:
    at = _at(rng, raw)
    digits = [i for i in range(at, min(at + 40, len(raw))) if 48 <= raw[i] <= 57]
    if not digits:
        return raw
    at = rng.choice(digits)
    return raw[:at] + rng.choice((b"0", b"9", b"-", b".", b"e9", b"99999999")) + raw[at + 1 :]


def _replace_value(rng: Random, raw: bytes) -> bytes:
    found = _field(rng, raw)
    return raw if found is None else raw[: found[1]] + rng.choice(_VALUES) + raw[found[2] :]


def _rename_field(rng: Random, raw: bytes) -> bytes:
    found = _field(rng, raw)
    return raw if found is None else raw[: found[0]] + rng.choice(_TOKENS) + raw[found[1] - 1 :]


def _remove_field(rng: Random, raw: bytes) -> bytes:
    found = _field(rng, raw)
    return raw if found is None else raw[: found[0]] + raw[found[2] + 1 :]


def _duplicate_key(rng: Random, raw: bytes) -> bytes:
    found = _field(rng, raw)
    if found is None:
        return raw
    name, again = raw[found[0] : found[1]], rng.choice(_VALUES)
    return raw[: found[0]] + name + again + b"," + raw[found[0] :]


def _wrap(rng: Random, raw: bytes) -> bytes:
    return (
        rng.choice((b"[%b]", b'{"data":%b}', b'{"data":{"data":%b}}', b'{"id":1,"result":%b}'))
        % raw
    )


def _field(rng: Random, raw: bytes) -> tuple[int, int, int] | None:
    """Of one of the event's fields: where its name begins, its value begins, its value ends."""
    name = rng.choice(_NAMES)
    begin = raw.find(name + b":")
    if begin < 0:
        return None
    value = begin + len(name) + 1
    ends = [end for end in (raw.find(b",", value), raw.find(b"}", value)) if end >= 0]
    return (begin, value, min(ends)) if ends else None


_MUTATORS: Final[tuple[Callable[[Random, bytes], bytes], ...]] = (
    _flip_bit, _replace_byte, _truncate, _behead, _cut_out, _double, _splice, _insert_token,
    _insert_bytes, _change_digit, _replace_value, _replace_value, _replace_value, _rename_field,
    _remove_field, _duplicate_key, _wrap,
)  # fmt: skip
