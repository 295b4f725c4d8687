"""Whatever the figures and whatever the text: true roundings pass, changed numbers fail, nothing
raises, and time grows with length only."""

import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lakehouse.summary import Facts, brief, pulse_facts, verdict
from lakehouse.summary.facts import figures_of
from lakehouse.summary.figures import Figure, rounded, window_name
from lakehouse.summary.template import template
from tests.summaries import ETH, about_headline, about_text, answer, complaints, one, pulse, symbol

NAMES = {"price": "Price", "vwap": "VWAP", "average": "Average price", "volume": "Volume"}
SIZES = {"": 0, "k": 3, "M": 6, "B": 9, " thousand": 3, " million": 6}


def decimals(low: str, high: str, places: int) -> st.SearchStrategy[str]:
    return st.decimals(low, high, places=places, allow_nan=False).map(lambda each: f"{each:f}")


changes = decimals("-0.9", "9", 12)
prices = decimals("0.00000001", "999999", 8)


@st.composite
def markets(draw: st.DrawFn) -> Facts:
    """BTCUSDT with any figures, some of them unknown."""
    maybe: dict[str, Any] = {
        name: draw(st.none() | changes) for name in ("change_1m", "change_5m", "change_30m")
    }
    means: dict[str, Any] = {
        name: draw(st.none() | prices) for name in ("vwap_1m", "vwap_30m", "price_ma_30m")
    }
    return pulse_facts(pulse(symbol(price=draw(prices), **maybe, **means)))


def written(value: Decimal, places: int, size: str, grouped: bool) -> str:
    """A figure rounded to so many places of its size, as people write it."""
    shown = rounded(value.scaleb(-SIZES[size]), places)
    return (f"{shown:,f}" if grouped else f"{shown:f}") + size


def keeps_enough(text: str, figure: Figure) -> bool:
    """The documented rule, told again: exact, or two digits that count, or decimals of a %."""
    number = "".join(char for char in text if char.isdigit() or char == ".")
    digits = number.replace(".", "").lstrip("0")
    if Decimal(number) == abs(figure.value):
        return True
    return len(digits) >= 2 or (figure.unit == "percent" and "." in number and bool(digits))


def sentence(figure: Figure, shown: str) -> str:
    """A sentence that claims just this figure."""
    window = "" if figure.window is None else f" over {window_name(figure.window)}"
    if figure.unit == "percent":
        word = "Up" if figure.value > 0 else "Down" if figure.value < 0 else "Flat at"
        return f"{word} {shown}%{window}."
    return f"{NAMES[figure.kind]} {shown}{window}."


def claimable(facts: Facts) -> list[Figure]:
    return [each for each in figures_of(facts.symbols[0]) if each.kind in {*NAMES, "change"}]


@given(facts=markets(), data=st.data())
def test_any_rounding_of_a_figure_passes(facts: Facts, data: st.DataObject) -> None:
    figure = data.draw(st.sampled_from(claimable(facts)))
    size = "" if figure.unit == "percent" else data.draw(st.sampled_from([*SIZES]))
    most = max(0, -int(figure.value.as_tuple().exponent)) + SIZES[size]
    text = written(
        abs(figure.value), data.draw(st.integers(0, most)), size, data.draw(st.booleans())
    )
    assume(keeps_enough(text.removesuffix(size), figure) or Decimal(0) == figure.value)
    assert about_text(facts, sentence(figure, text)) == []


@given(facts=markets(), data=st.data())
def test_any_text_with_one_changed_digit_fails(facts: Facts, data: st.DataObject) -> None:
    figures = claimable(facts)
    figure = data.draw(st.sampled_from(figures))
    text = f"{abs(figure.value):,f}"
    places = [at for at, char in enumerate(text) if char.isdigit()]
    at, digit = data.draw(st.sampled_from(places)), data.draw(st.sampled_from("0123456789"))
    changed = text[:at] + digit + text[at + 1 :]
    value = Decimal(changed.replace(",", ""))
    # Of the same sort and window, so that no other figure is claimed by chance.
    own = {abs(each.value) for each in figures if each.kind == figure.kind}
    assume(value not in own)
    assert about_text(facts, sentence(figure, changed)) != []
    assert about_headline(facts, f"BTCUSDT: {sentence(figure, changed)}") != []


@given(facts=markets(), number=decimals("0.01", "1000000", 2), unit=st.sampled_from(["", "%", "x"]))
def test_a_number_that_is_no_figure_fails_wherever_it_stands(
    facts: Facts, number: str, unit: str
) -> None:
    near = figures_of(facts.symbols[0])
    assume(not any(abs(abs(each.value) - Decimal(number)) <= Decimal("0.005") for each in near))
    made = template(facts)
    for text in (f"{made.texts['BTCUSDT']} {number}{unit}.", f"{number}{unit} {made.headline}"):
        assert about_text(facts, text) != []


@given(facts=markets(), data=st.data())
def test_numbers_that_change_places_fail(facts: Facts, data: st.DataObject) -> None:
    words = template(facts).texts["BTCUSDT"].split()
    # Of one unit: `down 61,990.10, price 0.12%` would be odd, and yet true.
    numbers = [at for at, word in enumerate(words) if word[0].isdigit() and "%" not in word]
    numbers = [at for at in numbers if "." in words[at] and "x" not in words[at]]
    first, second = (data.draw(st.sampled_from(numbers)) for _ in range(2))
    assume(Decimal(bare(words[first])) != Decimal(bare(words[second])))
    words[first], words[second] = words[second], words[first]
    assert about_text(facts, " ".join(words)) != []


def bare(word: str) -> str:
    return "".join(char for char in word if char.isdigit() or char == ".").rstrip(".")


@given(facts=markets())
def test_the_template_of_any_market_passes(facts: Facts) -> None:
    made = template(facts)
    assert complaints(facts, answer(facts, made.headline, made.source, **made.texts)) == []
    shown = brief(facts)["fallback"]
    assert Facts.from_json(json.loads(json.dumps(facts.to_json()))).canonical == facts.canonical
    assert shown["source"] == "template" and len(shown["telegram"]["text"]) <= 4096


PIECES = [
    "BTCUSDT",
    "61,990.10",
    "0.25%",
    "up",
    "fell",
    "5m",
    "24h",
    "VWAP",
    "volume",
    "no",
    "-",
    "(",
]
PIECES += [
    "spike",
    "1.37x",
    "from",
    "to",
    ".",
    ",",
    ";",
    "k",
    "percent",
    "the",
    "12:34",
    "%",
    "/",
    "'s",
]
soups = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=40).map(" ".join)


@given(text=soups | st.text(max_size=300), headline=soups, said=soups)
@example(text="'s", headline="-", said="''")
def test_no_text_raises(text: str, headline: str, said: str) -> None:
    for facts in (one(), pulse_facts(pulse(symbol(), symbol("ETHUSDT", **ETH)))):
        verdict(facts, json.dumps(answer(facts, headline[:120], said[:400], BTCUSDT=text[:400])))


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@given(st.text(max_size=200) | json_values.map(json.dumps))
def test_no_answer_raises(completion: str) -> None:
    found = verdict(one(), completion)
    assert not found["ok"] and found["complaints"] and found["retry_messages"]
    json.dumps(found).encode()


@pytest.mark.parametrize(
    "unit",
    [
        "9",
        "9,",
        "1.",
        "-",
        "0.25% ",
        "up ",
        "5m ",
        "VWAP ",
        "no ",
        "(",
        "'",
        "from 1 to ",
        "a-",
        "×",
    ],
)
def test_time_grows_with_length_only(unit: str) -> None:
    """The longest texts that are read at all, of the worst parts: milliseconds, not minutes."""
    facts = pulse_facts(pulse(*[symbol(f"A{at}USDT") for at in range(20)]))
    long = (unit * 500)[:500]
    texts = {each["symbol"]: long for each in facts.symbols}
    started = time.perf_counter()
    verdict(facts, json.dumps(answer(facts, long[:120], long, **texts)))
    verdict(facts, unit * 200_000)
    assert time.perf_counter() - started < 2
