"""The quick encode and decode against the published model, on generated trades."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse import messages
from lakehouse.errors import UnreadableError
from lakehouse.messages import TradeMessage, decode, encode
from lakehouse.trade import Source, Trade

INT64 = st.integers(-(2**63), 2**63 - 1)
# Surrogates alone are no UTF-8, so no frame in JSON can carry them.
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64)
DECIMALS = st.from_regex(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", fullmatch=True).filter(str.isascii)
TRADES = st.builds(
    Trade,
    exchange=NAMES,
    symbol=NAMES,
    agg_id=INT64,
    price=DECIMALS,
    qty=DECIMALS,
    first_trade_id=INT64,
    last_trade_id=INT64,
    trade_time=INT64,
    event_time=INT64,
    is_buyer_maker=st.booleans(),
    ingest_time=INT64,
    source=st.sampled_from(get_args(Source)),
)
TRADE = Trade(
    "binance", "BTCUSDT", 3_100_000_000, "61837.63000000", "0.02000000", 3735683259, 3735683260,
    1_723_161_255_342_000, 1_723_161_255_343_000, True, 1_723_161_254_087_896, "ws",
)  # fmt: skip


@given(TRADES)
def test_decode_undoes_encode(trade: Trade) -> None:
    assert decode(encode(trade)) == trade


@given(TRADES)
def test_encode_writes_what_the_model_reads_and_writes(trade: Trade) -> None:
    written = TradeMessage.model_validate_json(encode(trade))
    assert written.model_dump() == {**trade._asdict(), "schema_version": 1}
    assert json.loads(written.model_dump_json()) == json.loads(encode(trade))
    assert decode(written.model_dump_json().encode()) == trade


@given(TRADES)
def test_fields_stand_in_the_order_of_the_model(trade: Trade) -> None:
    assert list(json.loads(encode(trade))) == list(TradeMessage.model_fields)


def test_the_bytes_of_a_message_are_a_contract() -> None:
    assert encode(TRADE) == (
        b'{"exchange":"binance","symbol":"BTCUSDT","agg_id":3100000000,'
        b'"price":"61837.63000000","qty":"0.02000000","first_trade_id":3735683259,'
        b'"last_trade_id":3735683260,"trade_time":1723161255342000,'
        b'"event_time":1723161255343000,"is_buyer_maker":true,'
        b'"ingest_time":1723161254087896,"source":"ws","schema_version":1}'
    )


def test_the_key_is_the_symbol() -> None:
    assert messages.key_of(TRADE) == b"BTCUSDT"
    assert messages.key_of(TRADE._replace(symbol="币安人生USDT")) == "币安人生USDT".encode()


def altered(**changes: Any) -> bytes:
    return json.dumps({**json.loads(encode(TRADE)), **changes}).encode()


def test_fields_of_a_later_producer_are_let_through() -> None:
    assert decode(altered(new_field=[1, 2])) == TRADE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("exchange", ""),
        ("symbol", ""),
        ("symbol", None),
        ("agg_id", "1"),
        ("agg_id", 1.5),
        ("agg_id", True),
        ("price", 1),
        ("price", "1e5"),
        ("price", "1.0\n"),
        ("price", "NaN"),
        ("price", "１"),
        ("qty", "9" * 41),
        ("qty", ""),
        ("trade_time", None),
        ("is_buyer_maker", 1),
        ("is_buyer_maker", "true"),
        ("source", "rumour"),
        ("schema_version", 2),
        ("schema_version", "1"),
    ],
)
def test_a_broken_field_is_refused_by_its_name(name: str, value: object) -> None:
    with pytest.raises(UnreadableError) as caught:
        decode(altered(**{name: value}))
    assert caught.value.reason == f"contract_broken:{name}"


@pytest.mark.parametrize("name", Trade._fields)
def test_a_missing_field_is_refused_by_its_name(name: str) -> None:
    fields = json.loads(encode(TRADE))
    del fields[name]
    with pytest.raises(UnreadableError) as caught:
        decode(json.dumps(fields).encode())
    assert caught.value.reason == f"contract_broken:{name}"


@given(st.binary(max_size=60))
def test_other_bytes_are_refused_with_a_reason(value: bytes) -> None:
    with pytest.raises(UnreadableError, match=r"^contract_broken:"):
        decode(value)


@given(st.data())
def test_a_message_cut_short_is_refused(data: st.DataObject) -> None:
    whole = encode(TRADE)
    end = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(UnreadableError, match=r"^contract_broken:"):
        decode(whole[:end])


def test_dead_letters_say_why_where_from_and_when() -> None:
    headers = dict(messages.dead_letter_headers("not_json", "binance", 1_723_161_255_342_000))
    assert headers == {
        "reason": b"not_json",
        "exchange": b"binance",
        "ingest_time": b"1723161255342000",
    }
