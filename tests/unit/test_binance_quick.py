"""The quick reader gives what the full parser gives, or leaves the frame to it."""

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lakehouse.errors import UnreadableError
from lakehouse.exchanges.binance import event_of, parse_frame, parse_trade
from lakehouse.exchanges.binance_quick import trade_of
from lakehouse.trade import Trade

EVENT: dict[str, object] = {
    "e": "aggTrade", "E": 1723161255344, "s": "BTCUSDT", "a": 3100000000, "p": "61837.63000000",
    "q": "0.02000000", "f": 3100000000, "l": 3100000001, "T": 1723161255343, "m": True, "M": True,
}  # fmt: skip
VALUES = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=70), st.booleans(), st.none(),
    st.from_regex(r"-?[0-9]{1,41}(\.[0-9]{1,41})?", fullmatch=True),
    st.sampled_from(["aggTrade", "٣.5", "1e5", "1.", ".5", 1.0, 10**14, 10**14 - 1, 2**63 // 1000]),
    st.lists(st.integers()), st.dictionaries(st.text(max_size=3), st.integers()),
)  # fmt: skip


def frame(event: object) -> bytes:
    return orjson.dumps({"stream": "btcusdt@aggTrade", "data": event}, default=str)


def fully(raw: bytes) -> Trade | None:
    try:
        return parse_trade(event_of(parse_frame(raw)), 7, "ws")
    except UnreadableError:
        return None


def test_a_trade_is_read_quickly() -> None:
    assert trade_of(frame(EVENT), 7) == fully(frame(EVENT)) is not None


@given(st.sampled_from(sorted(EVENT)), VALUES)
@example("a", 1.0)
@example("s", "BTC\x00")
@settings(max_examples=400)
def test_any_value_means_the_same_in_both(field: str, value: object) -> None:
    try:
        raw = frame(EVENT | {field: value})
    except TypeError:  # orjson writes no integer over 64 bits
        raw = frame(EVENT | {field: "BIG"}).replace(b'"BIG"', str(value).encode())
    assert trade_of(raw, 7) in (None, fully(raw))


@given(st.data())
@settings(max_examples=400)
def test_any_damage_means_the_same_in_both(data: st.DataObject) -> None:
    raw = bytearray(frame(EVENT))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        kind = data.draw(st.sampled_from(["flip", "cut", "insert"]))
        if kind == "flip":
            raw[place] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "cut":
            del raw[place : place + data.draw(st.integers(1, 30))]
        else:
            raw[place:place] = data.draw(st.binary(max_size=5))
        if not raw:
            break
    assert trade_of(bytes(raw), 7) in (None, fully(bytes(raw)))


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"null", b"\xff\xfe", b'{"data":' * 20_000 + b"1" + b"}" * 20_000,
        orjson.dumps(EVENT), frame(EVENT).replace(b"BTCUSDT", b"\xff\xff\xff"),
        frame(EVENT).replace(b'"data":', b'"data":5,"data":'),
        frame(EVENT).replace(b'"a":3100000000', b'"a":3100000000,"a":1'),
        frame(EVENT).replace(b"BTCUSDT", b"\\ud800"),
    ],
)  # fmt: skip
def test_the_unusual_is_left_to_the_full_parser(raw: bytes) -> None:
    assert trade_of(raw, 7) in (None, fully(raw))
