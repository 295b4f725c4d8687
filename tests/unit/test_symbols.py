"""SYMBOLS: its grammar, what it comes to, and what changes while running do to it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from lakehouse import symbol_spec
from lakehouse.cli import app
from lakehouse.errors import SettingsError, UnreachableError
from producer.simulator import instruments
from producer.symbols import (
    MAX_SYMBOLS,
    Changes,
    Listing,
    Pair,
    checked_names,
    listing_of,
    matching,
    resolve,
)

NAMES = ("BTCUSDT", "ETHUSDT", "BTCEUR", "ETHBTC", "LUNAUSDT")


def row(symbol: str, quote: str, status: str = "TRADING", **more: Any) -> dict[str, Any]:
    return {"symbol": symbol, "status": status, "quoteAsset": quote, **more}


INFO = {
    "symbols": [
        row("BTCUSDT", "USDT", isSpotTradingAllowed=True),
        row("ETHUSDT", "USDT"),
        row("LUNAUSDT", "USDT", "BREAK"),
        row("TOKENUSDT", "USDT", isSpotTradingAllowed=False),
        row("BTCEUR", "EUR"),
        row("ETHBTC", "BTC"),
        row("OLDTRY", "TRY", "HALT"),
    ]
}
LISTING = listing_of(INFO)


def resolved(text: str, listing: Listing | None = LISTING) -> tuple[str, ...]:
    return resolve(symbol_spec.parse(text.split(",")), listing)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ETHUSDT,BTCUSDT", ("ETHUSDT", "BTCUSDT")),
        ("ALL:USDT", ("BTCUSDT", "ETHUSDT")),
        ("BTCEUR,ALL:USDT", ("BTCEUR", "BTCUSDT", "ETHUSDT")),
        ("ALL:USDT,-ETHUSDT", ("BTCUSDT",)),
        ("-BTCUSDT,ALL:BTC,ALL:USDT,ETHUSDT", ("ETHUSDT", "ETHBTC")),
        ("LUNAUSDT", ("LUNAUSDT",)),  # named, so followed even while it does not trade
        ("LUNAUSDT,ALL:USDT", ("LUNAUSDT", "BTCUSDT", "ETHUSDT")),
    ],
)
def test_a_spec_comes_to_symbols(text: str, wanted: tuple[str, ...]) -> None:
    assert resolved(text) == wanted


def test_a_symbol_that_is_not_listed_is_named_with_what_comes_near() -> None:
    with pytest.raises(SettingsError, match=r"does not list BTCUSD \(near: BTCUSDT"):
        resolved("BTCUSD,ETHUSDT")
    with pytest.raises(SettingsError, match=r"list QQQQQQQ0, .*QQQQQQQ4 and 2 more\."):
        resolved(",".join(f"QQQQQQQ{number}" for number in range(7)))
    with pytest.raises(SettingsError, match=r"quoted in USDTT \(near: USDT\)"):
        resolved("ALL:USDTT")


def test_without_a_listing_names_are_taken_and_quotes_are_not() -> None:
    assert resolved("NEWUSDT,BTCUSDT", None) == ("NEWUSDT", "BTCUSDT")
    with pytest.raises(UnreachableError, match="ALL:USDT needs the exchange's list"):
        resolved("BTCUSDT,ALL:USDT", None)


def test_a_quote_of_which_nothing_trades_is_a_matter_of_waiting() -> None:
    with pytest.raises(UnreachableError, match="No pair quoted in TRY trades"):
        resolved("ALL:TRY")


def test_nothing_left_and_too_much_are_told() -> None:
    with pytest.raises(SettingsError, match="No symbol is left"):
        resolved("ALL:BTC,-ETHBTC")
    many = {f"S{number}USDT": Pair("USDT", True) for number in range(MAX_SYMBOLS + 1)}
    with pytest.raises(SettingsError, match="4,097 symbols"):
        resolved("ALL:USDT", many)


@pytest.mark.parametrize(
    "answer",
    [None, [], {}, {"symbols": []}, {"symbols": None}, {"symbols": [1]}, {"code": -1, "msg": "no"},
     {"symbols": [{"symbol": "A"}]}, "text", {"symbols": [row("A", "B"), None]}],
)  # fmt: skip
def test_what_is_no_listing_is_refused(answer: object) -> None:
    with pytest.raises(ValueError, match="list of symbols"):
        listing_of(answer)


def test_the_later_word_on_a_symbol_counts() -> None:
    first = Changes().then(["LUNAUSDT", "ETHBTC"], ["BTCUSDT"])
    second = first.then(["BTCUSDT"], ["ETHBTC"])
    assert second == Changes(("LUNAUSDT", "BTCUSDT"), ("ETHBTC",))
    with pytest.raises(SettingsError, match="ETHBTC is to be added and removed"):
        first.then(["ETHBTC"], ["ETHBTC"])


def test_changes_go_before_the_setting() -> None:
    spec = Changes(("ETHUSDT", "BTCEUR"), ("BTCUSDT",)).on(["ALL:USDT", "BTCUSDT", "-ETHUSDT"])
    assert resolve(spec, LISTING) == ("ETHUSDT", "BTCEUR")
    # A name that was delisted and removed for that must not stop the next start.
    assert resolve(Changes((), ("GONEUSDT",)).on(["GONEUSDT", "BTCUSDT"]), LISTING) == ("BTCUSDT",)


@given(
    st.lists(
        st.tuples(st.booleans(), st.lists(st.sampled_from(NAMES), unique=True, max_size=3)),
        max_size=8,
    )
)
def test_changes_act_as_if_done_one_by_one(steps: list[tuple[bool, list[str]]]) -> None:
    base = ["XRPUSDT", "BTCUSDT", "ETHUSDT"]
    wanted, changes = set(base), Changes()
    for add, names in steps:
        wanted = wanted | set(names) if add else wanted - set(names)
        changes = changes.then(names if add else [], [] if add else names)
        assert not set(changes.add) & set(changes.remove)
    assert set(matching(changes.on(base), None)) == wanted


@pytest.mark.parametrize("value", [None, "BTCUSDT", [1], ["btcusdt"], [""], ["ALL:USDT"], ["A B"]])
def test_what_is_no_list_of_names_is_refused(value: object) -> None:
    with pytest.raises(SettingsError):
        checked_names(value)


def test_people_are_told_in_words() -> None:
    assert symbol_spec.in_words(["BTCUSDT", "ETHUSDT"]) == "BTCUSDT, ETHUSDT"
    told = symbol_spec.in_words(["BTCEUR", "ALL:USDT", "-LUNAUSDT"])
    assert told == "BTCEUR, every USDT pair, without LUNAUSDT"
    many = symbol_spec.in_words([f"S{number}" for number in range(400)])
    assert many.endswith("S9, 390 more")


def test_the_simulated_market_understands_the_same_forms() -> None:
    assert instruments.listed(["NEWEUR", "ALL:BTC"]) == ("NEWEUR", "ETHBTC")
    found = instruments.listed(["ALL:USDT", "-BTCUSDT"])
    assert "ETHUSDT" in found and "BTCUSDT" not in found and len(found) > 3
    for terms in (["ALL:XYZ"], [], ["btcusdt"]):
        with pytest.raises(SettingsError):
            instruments.listed(terms)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("add", "Which symbols are to add?"),
        ("list BTCUSDT", "What is BTCUSDT for?"),
        ("list --format csv", "Use --format json."),
        ("list --url 127.0.0.1:80", "is no address"),
    ],
)
def test_words_that_make_no_sense(words: str, sentence: str) -> None:
    done = CliRunner().invoke(app, ["symbols", *words.split()])
    assert isinstance(done.exception, SettingsError) and sentence in str(done.exception)
