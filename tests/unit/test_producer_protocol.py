"""The session of one connection: every frame has exactly one outcome, whatever it holds."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.trade import Trade
from producer.protocol import NOT_SUBSCRIBED, Control, DeadLetter, Outcome, Session
from producer.watchdog import LineWatch

EVENT: dict[str, Any] = {
    "e": "aggTrade", "E": 1723161255343, "s": "BTCUSDT", "a": 3100000000, "p": "61837.63000000",
    "q": "0.02000000", "f": 3735683259, "l": 3735683259, "T": 1723161255342, "m": True, "M": True,
}  # fmt: skip
FRAME = orjson.dumps({"stream": "btcusdt@aggTrade", "data": EVENT})
RECEIVED = 1_723_161_255_400_000


def frame_of(symbol: str, **extra: Any) -> bytes:
    return orjson.dumps({"stream": "x", "data": {**EVENT, "s": symbol, **extra}})


def session() -> Session:
    return Session("wss://exchange", ("BTCUSDT", "ETHUSDT"))


def receive(raw: bytes) -> Outcome:
    return session().receive(raw, RECEIVED)


def test_a_combined_frame_is_a_trade() -> None:
    trade = receive(FRAME)
    assert isinstance(trade, Trade)
    assert (trade.symbol, trade.agg_id, trade.price) == ("BTCUSDT", 3100000000, "61837.63000000")
    assert (trade.ingest_time, trade.source) == (RECEIVED, "ws")


def test_a_raw_stream_frame_is_a_trade_too() -> None:
    assert isinstance(receive(orjson.dumps(EVENT)), Trade)


def test_the_source_is_what_the_connection_said() -> None:
    simulated = session()
    simulated.opened(LineWatch(0.0), "simulated")
    trade = simulated.receive(FRAME, RECEIVED)
    assert isinstance(trade, Trade) and trade.source == "simulated"


def test_the_subscription_is_in_the_url() -> None:
    assert session().url == "wss://exchange/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade"


@pytest.mark.parametrize("raw", [frame_of("DOGEUSDT"), frame_of("DOGEUSDT", extra=1)])
def test_a_trade_that_nobody_asked_for_is_a_dead_letter(raw: bytes) -> None:
    assert receive(raw) == DeadLetter(raw, NOT_SUBSCRIBED, RECEIVED)


@pytest.mark.parametrize("extra", [{}, {"extra": 1}])
def test_a_trade_is_expected_from_when_it_is_asked_for_until_long_after(
    extra: dict[str, Any],
) -> None:
    under_test, raw = session(), frame_of("DOGEUSDT", **extra)
    under_test.subscriptions.add(["DOGEUSDT"])
    assert isinstance(under_test.receive(raw, RECEIVED), Trade)
    under_test.subscriptions.drop(["DOGEUSDT"])
    assert isinstance(under_test.receive(raw, RECEIVED), Trade)


def test_answers_settle_what_was_asked() -> None:
    under_test = session()
    under_test.subscriptions.add(["DOGEUSDT"])
    request = orjson.loads(under_test.subscriptions.requests(0.0) or "")
    under_test.receive(orjson.dumps({"result": None, "id": 99}), RECEIVED)
    assert not under_test.subscriptions.settled
    under_test.receive(orjson.dumps({"result": None, "id": request["id"]}), RECEIVED)
    assert under_test.subscriptions.settled


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ({"result": None, "id": 1}, "answer"),
        ({"result": ["btcusdt@aggTrade"], "id": "abc"}, "answer"),
        ({"error": {"code": 2, "msg": "Invalid request"}, "id": None}, "error"),
        ({"error": {"code": 3, "msg": "Invalid JSON"}}, "error"),
        ({"e": "serverShutdown", "E": 1}, "shutdown"),
        ({"stream": "x", "data": {"e": "serverShutdown", "E": 1}}, "shutdown"),
    ],
)
def test_control_frames_are_known(frame: dict[str, Any], kind: str) -> None:
    outcome = receive(orjson.dumps(frame))
    assert isinstance(outcome, Control) and outcome.kind == kind


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty_frame"),
        (b"\xff\x00\xfe", "not_json"),
        (FRAME[:-20], "not_json"),
        (b"[1,2]", "not_an_object"),
        (b"{}", "field_missing:e"),
        (b'{"result":null}', "field_missing:e"),
        (b'{"result":null,"id":true}', "field_missing:e"),
        (b'{"result":null,"id":1,"more":2}', "field_missing:e"),
        (b'{"error":"text","id":1}', "field_missing:e"),
        (b'{"data":[]}', "data_not_an_object"),
        (b'{"data":{"e":"kline"}}', "not_an_agg_trade"),
        (FRAME.replace(b"3100000000", b'"3100000000"'), "agg_id_unreadable"),
        (FRAME.replace(b'"0.02000000"', b"0.02"), "qty_unreadable"),
        (FRAME.replace(b"61837.63000000", b"1e5"), "price_unreadable"),
    ],
)
def test_what_cannot_be_read_keeps_its_bytes_and_says_why(raw: bytes, reason: str) -> None:
    assert receive(raw) == DeadLetter(raw, reason, RECEIVED)


def _mutated(raw: bytes, edits: list[tuple[int, bytes]]) -> bytes:
    for place, piece in edits:
        at = place % (len(raw) + 1)
        raw = raw[:at] + piece + raw[at + 1 + place % 3 :]
    return raw


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
KEYS = ({"result", "id"}, {"error", "id"}, {"error"})
EDITS = st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=3)), max_size=4)
MUTATED = st.builds(_mutated, st.sampled_from([FRAME, b'{"result":null,"id":1}']), EDITS)
REPLACED = st.builds(
    lambda name, value: orjson.dumps({"stream": "x", "data": {**EVENT, name: value}}),
    st.sampled_from([*EVENT, "data", "id"]),
    JSON,
)


@given(st.lists(MUTATED | REPLACED | st.binary() | st.builds(orjson.dumps, JSON), max_size=20))
def test_any_frames_never_raise_and_each_has_one_outcome(frames: list[bytes]) -> None:
    under_test = session()
    under_test.opened(LineWatch(0.0))
    for raw in frames:
        outcome = under_test.receive(raw, RECEIVED)
        assert isinstance(outcome, Trade | Control | DeadLetter)
        if isinstance(outcome, DeadLetter):
            assert outcome.raw == raw and outcome.reason
        if isinstance(outcome, Control) and outcome.kind != "shutdown":
            assert orjson.loads(raw).keys() in KEYS
