"""Reading aggTrades answers: whole, or refused with a stable reason."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.exchanges.binance import parse_rest_trade
from lakehouse.exchanges.binance_quick import rest_trades_of
from producer.rest_answers import read_agg_trades
from producer.rest_errors import UnreadableRows, WrongAnswer


def row(agg_id: Any, **changes: Any) -> dict[str, Any]:
    """A row as the exchange writes it."""
    good = {"a": agg_id, "p": "1.50", "q": "2", "f": 1, "l": 2, "T": 1723161255342, "m": True}
    return good | {"M": True} | changes


def read(rows: Any, from_id: int = 100, limit: int = 1000) -> list[int]:
    return [t.agg_id for t in read_agg_trades(orjson.dumps(rows), "S", from_id, limit, 7)]


def test_rows_become_trades_of_source_rest() -> None:
    [trade] = read_agg_trades(orjson.dumps([row(105)]), "S", 100, 1000, 7)
    assert (trade.symbol, trade.agg_id, trade.price, trade.source) == ("S", 105, "1.50", "rest")
    assert (trade.ingest_time, trade.trade_time) == (7, 1723161255342000)
    assert read([]) == []


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ({"code": -1003, "msg": "x"}, "not_a_list"),
        (None, "not_a_list"),
        ([row(n) for n in range(100, 104)], "too_many_rows"),
        ([row(99), row(100)], "id_below_from"),
        ([row(100), row(100)], "ids_not_ascending"),
        ([row(101), row(100)], "ids_not_ascending"),
        ([row(101), "x", row(100)], "ids_not_ascending"),
    ],
)
def test_an_answer_that_breaks_a_rule_is_refused_whole(rows: Any, reason: str) -> None:
    with pytest.raises(WrongAnswer) as caught:
        read(rows, limit=3)
    assert caught.value.reason == reason
    assert not isinstance(caught.value, UnreadableRows)


@pytest.mark.parametrize("body", [b"", b"[", b"<html>", b'[{"a":1', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(WrongAnswer, match="not_json"):
        read_agg_trades(body, "S", 0, 1000, 0)


@pytest.mark.parametrize(
    ("rows", "readable", "ids"),
    [
        ([row(100), row(101, p=1.5), row(102)], [100, 102], [101]),
        ([row(100), row("x"), row(102)], [100, 102], [101]),  # by its place
        ([row(10**15), row(101)], [101], [100]),
        ([row(100), {}, [], row(103)], [100, 103], [101, 102]),
        ([row(100), {}, row(105)], [100, 105], [None]),  # which one of 101 to 104?
        ([row(100), row(103, q=None), row(105)], [100, 105], [103]),
        ([row(100), row(101, m=1)], [100], [101]),
        ([row(100), row(10**15, m=1)], [100], [None]),  # nothing above confirms it
        ([row(100), None, 7], [100], [None, None]),
    ],
)
def test_a_row_that_cannot_be_read_is_told_with_its_id_where_that_is_certain(
    rows: list[Any], readable: list[int], ids: list[int | None]
) -> None:
    if rows[0] == row(10**15):
        rows[0] = row(10**15, p="")
    with pytest.raises(UnreadableRows) as caught:
        read(rows)
    assert [trade.agg_id for trade in caught.value.trades] == readable
    assert [bad.agg_id for bad in caught.value.rows] == ids
    assert all(orjson.loads(bad.raw) in rows and bad.reason for bad in caught.value.rows)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from("apqflTmM"), inner, max_size=8)
    ),
    max_leaves=20,
)


@given(st.lists(st.builds(row, st.integers(100, 120)) | JSON, max_size=8) | JSON)
def test_no_answer_gives_anything_but_trades_or_a_refusal(rows: Any) -> None:
    body = orjson.dumps(rows)
    try:
        trades = read_agg_trades(body, "S", 100, 1000, 0)
    except WrongAnswer as error:
        assert error.reason
    else:
        ids = [trade.agg_id for trade in trades]
        assert len(ids) == len(rows)
        assert ids == sorted(set(ids))
        assert all(agg_id >= 100 for agg_id in ids)


@given(st.lists(st.builds(row, st.integers(100, 120)) | JSON, max_size=5) | JSON)
def test_the_quick_reader_gives_what_the_full_one_gives(rows: Any) -> None:
    body = orjson.dumps(rows)
    trades = rest_trades_of(body, "S", 7)
    if trades is not None:
        assert trades == [parse_rest_trade("S", each, 7) for each in orjson.loads(body)]


@given(st.sampled_from("apqflTmM"), JSON, st.sampled_from([1723161255342, 1723161255342000]))
def test_any_value_of_a_field_means_the_same_to_both(field: str, value: Any, time: int) -> None:
    body = orjson.dumps([row(100, T=time), row(101) | {field: value}])
    trades = rest_trades_of(body, "S", 7)
    assert rest_trades_of(orjson.dumps([row(100, T=time)]), "S", 7) is not None
    if trades is not None:
        assert trades == [parse_rest_trade("S", each, 7) for each in orjson.loads(body)]


@given(st.binary(max_size=200))
def test_no_bytes_crash_it(body: bytes) -> None:
    try:
        read_agg_trades(body, "S", 0, 1000, 0)
    except WrongAnswer as error:
        assert error.reason
