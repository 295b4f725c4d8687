"""What Binance may send: trades come out exactly, anything else with a stable reason."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.errors import UnreadableError
from lakehouse.exchanges.binance import (
    event_of,
    micros,
    parse_frame,
    parse_rest_trade,
    parse_trade,
    stream_name,
)
from lakehouse.trade import Trade, is_decimal_text

NOW = 1_723_161_255_400_000
EVENT: dict[str, Any] = {
    "e": "aggTrade", "E": 1723161255343, "s": "BTCUSDT", "a": 3100000000, "p": "61837.63000000",
    "q": "0.02000000", "f": 3735683259, "l": 3735683260, "T": 1723161255342, "m": True, "M": True,
}  # fmt: skip
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


def parse(payload: bytes | str) -> Trade:
    return parse_trade(event_of(parse_frame(payload)), NOW)


def reason_of(payload: bytes | str) -> str:
    with pytest.raises(UnreadableError) as caught:
        parse(payload)
    return caught.value.reason


def frame(**changes: Any) -> bytes:
    return json.dumps({"stream": "btcusdt@aggTrade", "data": {**EVENT, **changes}}).encode()


def test_a_trade_comes_out_as_it_was_sent() -> None:
    wanted = Trade(
        "binance", "BTCUSDT", 3100000000, "61837.63000000", "0.02000000", 3735683259, 3735683260,
        1_723_161_255_342_000, 1_723_161_255_343_000, True, NOW, "ws",
    )  # fmt: skip
    assert parse(frame()) == wanted
    assert parse(json.dumps(EVENT)) == wanted, "raw streams have no envelope"
    assert parse(frame(new_field={"a": 1})) == wanted, "Binance adds fields without notice"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "empty_frame"),
        (b" ", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b'{"a":NaN}', "not_json"),
        (b'{"a":1', "not_json"),
        (b"[" * 100_000, "not_json"),
        ('{"s":"\ud800"}', "not_json"),
        (b"[]", "not_an_object"),
        (b"1", "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"data":[]}', "data_not_an_object"),
        (b'{"data":null}', "data_not_an_object"),
        (b'{"result":null,"id":1}', "field_missing:e"),
        (b'{"e":"trade"}', "not_an_agg_trade"),
        (b'{"e":{"e":[]}}', "not_an_agg_trade"),
        (b'{"e":"aggTrade"}', "field_missing:s"),
    ],
)
def test_a_frame_that_is_no_trade_is_refused_with_a_stable_reason(
    payload: bytes | str, reason: str
) -> None:
    assert reason_of(payload) == reason


@pytest.mark.parametrize("field", [name for name in EVENT if name != "M"])
def test_a_missing_field_is_named(field: str) -> None:
    event = {name: value for name, value in EVENT.items() if name != field}
    assert reason_of(json.dumps(event)) == f"field_missing:{field}"


_NO_INTEGERS: list[object] = [None, True, False, 1.0, "1", [], {}, 2**63, -(2**63), 10**30]
_NO_DECIMALS: list[object] = [
    None,
    True,
    1,
    1.5,
    "",
    "1e5",
    "NaN",
    "+1",
    " 1",
    "1\n",
    "١",
    "9" * 41,
    [],
    "0x1",
]


@pytest.mark.parametrize(
    ("field", "values", "reason"),
    [
        ("a", _NO_INTEGERS, "agg_id_unreadable"),
        ("f", _NO_INTEGERS, "first_trade_id_unreadable"),
        ("l", _NO_INTEGERS, "last_trade_id_unreadable"),
        ("T", _NO_INTEGERS, "trade_time_unreadable"),
        ("E", _NO_INTEGERS, "event_time_unreadable"),
        ("p", _NO_DECIMALS, "price_unreadable"),
        ("q", _NO_DECIMALS, "qty_unreadable"),
        ("m", [None, 0, 1, "true", [], "false"], "is_buyer_maker_unreadable"),
        ("s", [None, 1, "", "x" * 65, "BTC\nUSDT", "BTC\x00", [], True], "symbol_unreadable"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_its_field(
    field: str, values: list[object], reason: str
) -> None:
    for value in values:
        assert reason_of(frame(**{field: value})) == reason, repr(value)


def test_of_a_key_that_stands_twice_the_last_counts() -> None:
    payload = json.dumps(EVENT)[:-1] + ',"p":"1.00"}'
    assert parse(payload).price == "1.00"


def test_symbols_in_other_scripts_are_symbols() -> None:
    assert parse(frame(s="币安人生USDT")).symbol == "币安人生USDT"
    assert stream_name("BTCUSDT") == "btcusdt@aggTrade"


def test_milliseconds_and_microseconds_mean_the_same_instant() -> None:
    assert micros(1_735_689_600_000) == micros(1_735_689_600_000_000) == 1_735_689_600_000_000
    assert parse(frame(T=1_735_689_600_000_000)).trade_time == 1_735_689_600_000_000


@pytest.mark.parametrize("row", [None, 1, "x", [], ["a", 1], {}, {"code": -1121}])
def test_a_rest_row_that_is_none_is_refused(row: Any) -> None:
    with pytest.raises(UnreadableError):
        parse_rest_trade("BTCUSDT", row, NOW)


def test_a_rest_row_can_not_change_whose_trade_it_is() -> None:
    row = {name: EVENT[name] for name in "apqflTmM"} | {"s": "ETHUSDT", "e": "trade"}
    assert parse_rest_trade("BTCUSDT", row, NOW).symbol == "BTCUSDT"


def assert_trade_or_reason(payload: bytes | str) -> None:
    try:
        trade = parse(payload)
    except UnreadableError as error:
        assert error.reason and error.reason.isprintable()
        return
    assert is_decimal_text(trade.price) and is_decimal_text(trade.qty)
    assert Decimal(trade.price).is_finite()
    assert all(abs(number) < 2**63 for number in (trade.agg_id, trade.trade_time, trade.event_time))


@given(st.binary(max_size=200))
def test_any_bytes_give_a_reason(payload: bytes) -> None:
    assert_trade_or_reason(payload)


@given(st.text(max_size=200))
def test_any_text_gives_a_reason(payload: str) -> None:
    assert_trade_or_reason(payload)


@given(JSON_VALUES)
def test_any_json_gives_a_reason(value: object) -> None:
    assert_trade_or_reason(json.dumps(value))


@given(st.sampled_from(sorted(EVENT)), JSON_VALUES)
def test_any_value_in_any_field_gives_a_trade_or_a_reason(field: str, value: object) -> None:
    assert_trade_or_reason(frame(**{field: value}))


@given(st.data())
def test_a_frame_with_bytes_changed_gives_a_trade_or_a_reason(data: st.DataObject) -> None:
    whole = bytearray(frame())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    assert_trade_or_reason(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
