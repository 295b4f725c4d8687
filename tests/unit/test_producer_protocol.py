"""The session: every frame is accounted for, and time alone decides when to try again."""

from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.errors import SettingsError
from lakehouse.trade import Trade
from producer.protocol import (
    MAX_STREAMS,
    Backoff,
    Close,
    Connect,
    Control,
    DeadLetter,
    Outcome,
    Policy,
    Session,
    stream_url,
)

EVENT: dict[str, Any] = {
    "e": "aggTrade", "E": 1723161255343, "s": "BTCUSDT", "a": 3100000000, "p": "61837.63000000",
    "q": "0.02000000", "f": 3735683259, "l": 3735683259, "T": 1723161255342, "m": True, "M": True,
}  # fmt: skip
FRAME = orjson.dumps({"stream": "btcusdt@aggTrade", "data": EVENT})
RECEIVED = 1_723_161_255_400_000


def session(policy: Policy | None = None) -> Session:
    return Session("wss://exchange", ("BTCUSDT", "ETHUSDT"), Random(7), policy)


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
    simulated.opened(0.0, "simulated")
    trade = simulated.receive(FRAME, RECEIVED)
    assert isinstance(trade, Trade) and trade.source == "simulated"


def test_the_subscription_is_in_the_url() -> None:
    assert session().begin(0.0) == Connect(
        "wss://exchange/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade"
    )


@pytest.mark.parametrize("count", [0, MAX_STREAMS + 1])
def test_more_streams_than_a_connection_carries_are_refused(count: int) -> None:
    with pytest.raises(SettingsError, match=f"SYMBOLS holds {count}"):
        stream_url("wss://exchange", [f"S{number}" for number in range(count)])


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ({"result": None, "id": 1}, "answer"),
        ({"result": ["btcusdt@aggTrade"], "id": "abc"}, "answer"),
        ({"error": {"code": 2, "msg": "Invalid request"}, "id": None}, "error"),
        ({"e": "serverShutdown", "E": 1}, "shutdown"),
        ({"stream": "x", "data": {"e": "serverShutdown", "E": 1}}, "shutdown"),
    ],
)
def test_control_frames_are_known(frame: dict[str, Any], kind: str) -> None:
    outcome = receive(orjson.dumps(frame))
    assert isinstance(outcome, Control) and outcome.kind == kind
    assert (outcome.then is not None) == (kind == "shutdown")


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
    under_test.opened(0.0)
    for raw in frames:
        outcome = under_test.receive(raw, RECEIVED)
        assert isinstance(outcome, Trade | Control | DeadLetter)
        if isinstance(outcome, DeadLetter):
            assert outcome.raw == raw and outcome.reason
        if isinstance(outcome, Control) and outcome.kind != "shutdown":
            assert orjson.loads(raw).keys() in ({"result", "id"}, {"error", "id"})


def test_silence_closes_the_connection_once() -> None:
    quiet = session(Policy(silence=30))
    quiet.opened(100.0)
    assert quiet.tick(130.0) is None
    assert quiet.tick(130.1) == Close("no trade for 30 s")
    assert quiet.tick(500.0) is None


def test_trades_break_the_silence_and_garbage_does_not() -> None:
    under_test = session(Policy(silence=30))
    under_test.opened(0.0)
    under_test.receive(FRAME, RECEIVED)
    assert under_test.tick(29.0) is None
    assert under_test.tick(58.0) is None
    under_test.receive(b"garbage", RECEIVED)
    assert under_test.tick(59.5) is not None


def test_not_reading_is_no_silence() -> None:
    under_test = session(Policy(silence=30))
    under_test.opened(0.0)
    under_test.excuse(100.0)
    assert under_test.tick(120.0) is None
    assert under_test.tick(131.0) is not None


def test_without_a_connection_there_is_no_silence() -> None:
    under_test = session()
    under_test.opened(0.0)
    under_test.lost(1.0)
    assert under_test.tick(1000.0) is None


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_backoff_doubles_with_jitter_up_to_its_bound(seed: int, failures: int) -> None:
    policy = Policy()
    under_test = Session("wss://x", ("BTCUSDT",), Random(seed), policy)
    for failed in range(failures):
        ceiling = min(policy.first_backoff * 2**failed, policy.most_backoff)
        assert ceiling / 2 <= under_test.lost(0.0).seconds <= ceiling


def test_a_trade_resets_the_backoff() -> None:
    under_test = session()
    for _ in range(10):
        under_test.lost(0.0)
    under_test.opened(1.0)
    under_test.receive(FRAME, RECEIVED)
    assert under_test.lost(2.0).seconds <= Policy().first_backoff


@given(st.lists(st.integers(0, 5), min_size=1, max_size=100))
def test_the_exchange_limit_on_connects_is_kept_whatever_happens(waits: list[int]) -> None:
    policy = Policy(most_connects=5, window=60.0)
    under_test, now, connects = session(policy), 0.0, list[float]()
    for wait in waits:
        now += wait
        step = under_test.begin(now)
        if isinstance(step, Backoff):
            now += step.seconds
            assert isinstance(under_test.begin(now), Connect)
        connects.append(now)
        assert sum(now - at < policy.window for at in connects) <= policy.most_connects
