"""The exchange's rules: limits, pace, subscriptions, query parameters, candles, frame bytes."""

from fractions import Fraction
from random import Random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.simulator.candles import MINUTE_US, Candle
from producer.simulator.frames import Frame, Tick, message, raw_payload
from producer.simulator.instruments import split
from producer.simulator.pacing import Pace
from producer.simulator.params import ApiError, read_query
from producer.simulator.protocol import MAX_STREAMS, Subscriptions
from producer.simulator.weights import SlidingWindow, WeightMeter


def test_weight_is_refused_beyond_the_limit_until_the_minute_is_over() -> None:
    meter = WeightMeter(limit=10)
    assert [meter.charge(4, 60.0).status for _ in range(3)] == [200, 200, 429]
    late = meter.charge(4, 100.5)
    assert (late.status, late.used, late.retry_after) == (429, 16, 20)
    assert meter.charge(4, 120.0) == (200, 4, 0)


def test_who_goes_on_is_banned_for_a_while() -> None:
    meter = WeightMeter(limit=1, ban_seconds=120)
    meter.charge(1, 0.0)
    statuses = [meter.charge(1, float(second)).status for second in range(1, 8)]
    assert statuses == [429, 429, 429, 429, 429, 418, 418]
    assert meter.charge(1, 100.0) == (418, 0, 26)
    assert meter.charge(1, 126.5).status == 200


@given(st.lists(st.floats(0, 30), max_size=40), st.integers(1, 6))
def test_a_window_admits_what_a_count_allows(times: list[float], limit: int) -> None:
    window, seen = SlidingWindow(limit, 1.0), list[float]()
    for now in sorted(times):
        seen.append(now)
        assert window.admit(now) == (sum(now - 1.0 < at for at in seen) <= limit)


def test_the_pace_follows_the_machine_s_clock() -> None:
    pace = Pace(10.0)
    pace.start(1_000_000, 50_000_000)
    horizon = pace.horizon(1_200_000, 50_000_001, taken=True)
    assert horizon == 52_000_000
    assert pace.wait(horizon, 53_000_000) == pytest.approx(0.1)


def test_without_a_known_time_the_first_frame_sets_the_clock() -> None:
    pace = Pace(1.0)
    pace.start(5, 0)
    assert pace.horizon(100, 0, taken=True) == 0
    assert pace.horizon(200, 9_000, taken=True) == 9_000
    assert pace.horizon(300, 9_050, taken=True) == 9_100


def test_as_fast_as_taken_runs_at_its_own_time_while_nobody_takes() -> None:
    pace = Pace(0.0)
    pace.start(0, 77)
    assert pace.horizon(10, 100, taken=True) is None
    assert pace.horizon(20, 100, taken=False) == 100
    assert pace.horizon(70, 100, taken=False) == 150
    assert pace.horizon(80, 160, taken=True) is None
    assert pace.horizon(90, 500, taken=False) == 500


def answer(subscriptions: Subscriptions, request: object) -> object:
    return orjson.loads(subscriptions.answer(orjson.dumps(request)))


def test_subscriptions_change_and_are_listed() -> None:
    subs = Subscriptions(["btcusdt@aggTrade", ""], combined=True)
    assert answer(subs, {"method": "SUBSCRIBE", "params": ["ethusdt@aggTrade", "no"], "id": 1}) == {
        "result": None, "id": 1,
    }  # fmt: skip
    answer(subs, {"method": "UNSUBSCRIBE", "params": ["btcusdt@aggTrade"], "id": 2})
    assert answer(subs, {"method": "LIST_SUBSCRIPTIONS", "id": 3}) == {
        "result": ["ethusdt@aggTrade", "no"], "id": 3,
    }  # fmt: skip


def test_the_combined_property_can_be_read_and_set() -> None:
    subs = Subscriptions([], combined=False)
    assert answer(subs, {"method": "SET_PROPERTY", "params": ["combined", True], "id": 5}) == {
        "result": None, "id": 5,
    }  # fmt: skip
    assert answer(subs, {"method": "GET_PROPERTY", "params": ["combined"], "id": 6}) == {
        "result": True, "id": 6,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"method": "FLY", "id": 1}, 2), ({"id": 1}, 2), ({"method": "SUBSCRIBE", "id": -1}, 2),
        ({"method": "SUBSCRIBE", "params": ["x"]}, 2), ({"method": "SUBSCRIBE", "id": 1}, 2),
        ({"method": "SUBSCRIBE", "params": [1], "id": 1}, 2), ([], 3),
        ({"method": "SET_PROPERTY", "params": ["combined", 1], "id": 1}, 1),
        ({"method": "GET_PROPERTY", "params": ["colour"], "id": 1}, 0),
        ({"method": "GET_PROPERTY", "params": [7], "id": 1}, 2),
        ({"method": "GET_PROPERTY", "params": [], "id": 1}, 2),
    ],
)  # fmt: skip
def test_what_the_exchange_refuses_has_its_code(request_: object, code: int) -> None:
    subs = Subscriptions(["a"], combined=True)
    refusal = answer(subs, request_)
    assert isinstance(refusal, dict)
    assert refusal["error"]["code"] == code
    assert subs.streams == {"a"}


def test_no_json_and_too_many_streams_are_refused() -> None:
    subs = Subscriptions([], combined=True)
    assert orjson.loads(subs.answer("{"))["error"]["code"] == 3
    many = [f"s{number}" for number in range(MAX_STREAMS + 1)]
    request = {"method": "SUBSCRIBE", "params": many, "id": 1}
    assert answer(subs, request) == {
        "error": {"code": 2, "msg": "Invalid request: too many parameters"}, "id": 1,
    }  # fmt: skip
    answer(subs, {"method": "SUBSCRIBE", "params": many[1:], "id": 2})
    assert len(subs.streams) == MAX_STREAMS


def test_a_query_is_read_with_its_defaults() -> None:
    query = read_query({"symbol": "BTCUSDT"}, ["BTCUSDT"])
    assert query == ("BTCUSDT", None, None, None, 500)
    params = {"symbol": "BTCUSDT", "startTime": "5", "endTime": "6", "limit": "5000"}
    assert read_query(params, ["BTCUSDT"]) == ("BTCUSDT", None, 5_000, 6_999, 1000)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, -1102), ({"symbol": "btcusdt"}, -1100), ({"symbol": "NOPE"}, -1121),
        ({"symbol": "BTCUSDT", "limit": "0"}, -1130), ({"symbol": "BTCUSDT", "limit": "-1"}, -1100),
        ({"symbol": "BTCUSDT", "fromId": "x"}, -1100),
        ({"symbol": "BTCUSDT", "fromId": "1", "startTime": "1"}, -1128),
        ({"symbol": "BTCUSDT", "startTime": "2", "endTime": "1"}, -1127),
    ],
)  # fmt: skip
def test_a_bad_query_has_the_exchange_s_code(params: dict[str, str], code: int) -> None:
    with pytest.raises(ApiError) as refused:
        read_query(params, ["BTCUSDT"])
    assert refused.value.code == code


decimals = st.builds(
    lambda units, scale: f"{units // 10**scale}.{units % 10**scale:0{scale}d}",
    st.integers(0, 10**12), st.integers(1, 12),
)  # fmt: skip
ticks = st.lists(
    st.tuples(decimals, decimals, st.booleans(), st.integers(1, 5)), min_size=1, max_size=30
)


@given(ticks, st.randoms())
def test_a_candle_is_exact_whatever_the_order(
    rows: list[tuple[str, str, bool, int]], random: Random
) -> None:
    trades = [Tick(i, p, q, 0, n - 1, 0, maker) for i, (p, q, maker, n) in enumerate(rows)]
    candle = Candle(3 * MINUTE_US, "9")
    for tick in random.sample(trades, len(trades)):
        candle.add(tick)
    row = candle.row()
    prices = [Fraction(tick.price) for tick in trades]
    quotes = [Fraction(tick.price) * Fraction(tick.qty) for tick in trades]
    takers = [not tick.is_buyer_maker for tick in trades]
    assert (row[0], row[6], row[11]) == (180_000, 239_999, "0")
    assert (row[1], row[4]) == (trades[0].price, trades[-1].price)
    assert [Fraction(str(row[2])), Fraction(str(row[3]))] == [max(prices), min(prices)]
    assert Fraction(str(row[5])) == sum(Fraction(tick.qty) for tick in trades)
    assert Fraction(str(row[7])) == sum(quotes)
    assert row[8] == sum(n for *_, n in rows)
    assert Fraction(str(row[9])) == sum(
        Fraction(tick.qty) for tick, taker in zip(trades, takers, strict=True) if taker
    )
    assert Fraction(str(row[10])) == sum(
        quote for quote, taker in zip(quotes, takers, strict=True) if taker
    )


def test_a_minute_without_trades_is_flat() -> None:
    row = Candle(0, "1.50").row()
    assert row[1:5] == ["1.50"] * 4
    assert (row[5], row[8]) == ("0.00000000", 0)


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"), (125, b"\x81\x7d"), (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"), (65_536, b"\x81\x7f" + bytes(5) + b"\x01\x00\x00"),
    ],
)  # fmt: skip
def test_the_length_of_a_message_stands_as_the_protocol_says(size: int, head: bytes) -> None:
    payload = b"x" * size
    assert message(payload) == head + payload


def test_the_raw_event_is_cut_out_byte_for_byte() -> None:
    for payload, event in (
        (b'{"stream":"a@aggTrade","data":{"x": 1.50 }}', b'{"x": 1.50 }'),
        (b'{"data":{"x":1},"stream":"a@aggTrade"}', b'{"x":1}'),
    ):
        assert raw_payload(Frame(0, "a@aggTrade", payload, b"")) == event


def test_symbols_split_into_base_and_quote() -> None:
    assert split("BTCUSDT") == ("BTC", "USDT")
    assert split("ETHBTC") == ("ETH", "BTC")
    assert split("USDT") == ("USDT", "")
