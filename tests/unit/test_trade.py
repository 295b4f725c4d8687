"""A trade's exact product, and which texts are decimals."""

from decimal import Decimal, Inexact
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.trade import EXACT, Trade, is_decimal_text

DECIMALS = st.from_regex(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", fullmatch=True).filter(str.isascii)


def trade_of(price: str, qty: str) -> Trade:
    return Trade("binance", "BTCUSDT", 1, price, qty, 1, 1, 1, 1, True, 1, "ws")


def test_notional_keeps_every_digit() -> None:
    trade = trade_of("61837.63000000", "0.02000000")
    assert trade.notional == Decimal("1236.7526")
    assert str(trade.notional) == "1236.7526000000000000"


@given(DECIMALS, DECIMALS)
def test_notional_is_the_exact_product_of_any_two_decimals(price: str, qty: str) -> None:
    assert Fraction(trade_of(price, qty).notional) == Fraction(price) * Fraction(qty)


def test_the_context_refuses_to_round() -> None:
    with pytest.raises(Inexact):
        EXACT.divide(Decimal(1), Decimal(3))


@given(DECIMALS)
def test_plain_decimals_are_let_through(text: str) -> None:
    assert is_decimal_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", ".", "-", "1.", ".5", "+1", "1e5", "1E-8", "NaN", "Infinity", "-inf", "0x10",
        "1_000", "1,5", "1.2.3", "--1", " 1", "1 ", "1\n", "\n1", "１", "١٢", "1\x00",
        "9" * 41, "0." + "9" * 41, None, 1, 1.5, True, b"1", Decimal(1), ["1"],
    ],
)  # fmt: skip
def test_what_is_no_plain_decimal_is_refused(text: object) -> None:
    assert not is_decimal_text(text)


@given(st.text(max_size=12))
def test_what_is_let_through_is_a_decimal_to_python_too(text: str) -> None:
    if is_decimal_text(text):
        assert Decimal(text).is_finite()
