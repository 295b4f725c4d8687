"""The facts: figures as shown, exact, with their units; what is not known stays unknown."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.summary import Facts, pulse_facts, spike_facts
from lakehouse.summary.facts import figures_of
from lakehouse.summary.figures import compact, figure, for_people, window_name
from tests.summaries import SPIKING, event, minutes, one, pulse, spiked, symbol


def shown(facts: Facts) -> dict[str, str]:
    """The figures of the first symbol by their names in the listing."""
    return {each.says: each.shown for each in figures_of(facts.symbols[0])}


@pytest.mark.parametrize(
    ("exact", "people"),
    [
        ("61990.10000000", "61990.10"),
        ("61933.020388349515", "61933.02"),
        ("61933.025", "61933.03"),
        ("3012.4", "3012.40"),
        ("1.23456789", "1.2346"),
        ("0.99995", "0.99995"),
        ("0.999995", "1.00"),
        ("0.000012340123", "0.00001234"),
        ("0.00000001", "0.00000001"),
        ("5", "5.00"),
        ("0", "0.00"),
        ("99999999999999999999.99999999", "100000000000000000000.00"),
        ("12345678901234567890123456.123456789012", "12345678901234567890123456.12"),
    ],
)
def test_prices_have_the_digits_that_people_want(exact: str, people: str) -> None:
    assert f"{for_people(Decimal(exact)):f}" == people


@given(st.decimals("0.00000000000001", "1e24", allow_nan=False, places=14))
def test_a_shown_value_is_near_the_exact_one_and_never_vanishes(exact: Decimal) -> None:
    people = for_people(exact)
    assert people > 0
    assert abs(people - exact) <= exact / 10_000
    assert for_people(people) == people


@pytest.mark.parametrize(
    ("kind", "exact", "people"),
    [
        ("change", "0.002465651417", "+0.25%"),
        ("change", "-0.001250000000", "-0.13%"),
        ("change", "0.000049999999", "0.00%"),
        ("change", "-0.000049999999", "0.00%"),
        ("change", "12.5", "+1,250.00%"),
        ("volume_ratio", "1.365385", "1.37x"),
        ("volume_ratio", "0.865385", "0.87x"),
        ("volume_ratio", "0.001234", "0.0012x"),
        ("volume_ratio", "1234.5", "1,234.50x"),
        ("price", "61990.10000000", "61,990.10"),
        ("volume", "0.00012345", "0.00012345"),
        ("trades", 81234, "81,234"),
        ("trades", 0, "0"),
    ],
)
def test_a_figure_is_rounded_once_and_shows_its_unit(
    kind: str, exact: str | int, people: str
) -> None:
    found = figure(kind, exact)
    assert found is not None and found.shown == people


def test_compact_amounts_and_windows() -> None:
    cases = {"812": "812", "9999.00": "9,999.00", "12345.6": "12.3k", "123456": "123k"}
    cases |= {"1234567": "1.23M", "987654321": "988M", "9999999999": "10.00B", "160.00": "160.00"}
    assert {text: compact(Decimal(text)) for text in cases} == cases
    assert [window_name(size) for size in (1, 29, 60, 90, 120, 1440)] == [
        "1m",
        "29m",
        "60m",
        "90m",
        "2h",
        "24h",
    ]


def test_the_figures_of_a_pulse() -> None:
    found = shown(one())
    assert found["price"] == "61,990.10" and found["price change (24h)"] == "-3.46%"
    assert found["VWAP (30m)"] == "61,721.90" and found["average price (30m)"] == "61,702.41"
    assert found["volume against its usual (5m)"] == "0.87x" and found["trades (24h)"] == "81,234"
    assert one().symbols[0]["direction"] == "down"


def test_what_is_not_known_is_not_among_the_figures() -> None:
    unknown: dict[str, Any] = {
        "change_30m": None,
        "change_5m": None,
        "change_1m": None,
        "change_24h": None,
    }
    facts = pulse_facts(pulse(symbol(**unknown, vwap_24h=None)))
    assert not any("change" in name or "(24h)" in name for name in shown(facts) if "VWAP" in name)
    assert facts.symbols[0]["direction"] == "unknown"


@pytest.mark.parametrize(
    ("changes", "direction"),
    [
        ({"change_30m": "0.001"}, "up"),
        ({"change_30m": "0.00004"}, "flat"),
        ({"change_30m": "-0.00005"}, "down"),
        ({"change_30m": None}, "up"),
        ({"change_30m": None, "change_5m": None, "change_1m": "-0.5"}, "down"),
    ],
)
def test_the_direction_is_that_of_the_change_as_shown(
    changes: dict[str, Any], direction: str
) -> None:
    assert pulse_facts(pulse(symbol(**changes))).symbols[0]["direction"] == direction


def test_the_figures_of_a_spike() -> None:
    found = shown(spiked())
    assert found["price change (1m)"] == "+0.25%" and found["volume (5m)"] == "63.70"
    assert found["volume against its usual (1m)"] == "8.24x"
    assert found["price change (29m)"] == "+0.47%"
    assert found["high (1m)"] == "61,999.00" and found["price now"] == "61,990.10"
    assert spiked(return_1m="-0.01").symbols[0]["direction"] == "down"


def test_a_spike_with_little_before_it_has_no_usual() -> None:
    quiet = pulse(symbol(spike=SPIKING))
    for rows in ([], minutes(1), minutes(5)):
        found = shown(spike_facts(event(), rows, quiet))
        assert not any("usual" in name for name in found)
    assert "volume against its usual (1m)" in shown(spike_facts(event(), minutes(6), quiet))


def test_minutes_after_the_spike_and_long_before_it_do_not_count() -> None:
    rows = minutes()
    late = {**rows[0], "minute_ts": "2026-11-21T12:35:00Z", "volume": "999"}
    old = {**rows[0], "minute_ts": "2026-11-21T12:03:00Z", "volume": "999"}
    quiet = pulse(symbol(spike=SPIKING))
    assert spike_facts(event(), [old, *rows, late], quiet).canonical == spiked().canonical
    assert spike_facts(event(), rows[::-1], quiet).canonical == spiked().canonical


def test_zero_volumes_and_closes_divide_nothing() -> None:
    rows = [{**row, "volume": "0.00000000", "close": "0.00000000"} for row in minutes()]
    found = shown(spike_facts(event(), rows, pulse(symbol(spike=SPIKING))))
    assert not any("usual" in name for name in found)


def test_a_spike_whose_symbol_left_the_pulse_is_still_told() -> None:
    found = spike_facts(event(), minutes(), pulse(symbol("ETHUSDT")))
    assert "price now" not in shown(found) and found.symbols[0]["symbol"] == "BTCUSDT"


def test_facts_travel_as_json_and_come_back_the_same() -> None:
    for facts in (one(), spiked()):
        back = Facts.from_json(json.loads(json.dumps(facts.to_json())))
        assert back == facts and back.canonical == facts.canonical
        assert "e+" not in facts.canonical and "E+" not in facts.canonical


def broken(**changes: Any) -> dict[str, Any]:
    return {**one().to_json(), **changes}


def with_figure(**changes: Any) -> dict[str, Any]:
    data = json.loads(json.dumps(one().to_json()))
    data["symbols"][0]["figures"][0] |= changes
    found: dict[str, Any] = data
    return found


@pytest.mark.parametrize(
    "data",
    [
        {},
        broken(kind="other"),
        broken(kind=["pulse"]),
        broken(version=2),
        broken(symbols=None),
        broken(symbols=[1]),
        broken(source={}),
        broken(source={**one().source, "reasons": "none"}),
        broken(source={**one().source, "status": "fine"}),
        broken(source={**one().source, "newest_minute": "soon"}),
        broken(more=1),
        broken(source={**one().source, "open_gaps": "1"}),
        broken(left_out="many"),
        with_figure(kind="rumour"),
        with_figure(value="NaN"),
        with_figure(value="1e999999"),
        with_figure(value=61990.1),
        with_figure(value=" 61990.10"),
        with_figure(window_minutes="1m"),
        with_figure(window_minutes=-1),
    ],
)
def test_what_is_no_facts_is_told_in_a_sentence(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^These are no facts of a summary: "):
        Facts.from_json(data)
