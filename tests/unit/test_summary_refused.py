"""How a model could get a wrong word past the verification: each way is tried, and refused."""

import pytest

from lakehouse.summary import pulse_facts
from tests.summaries import (
    SPIKING,
    about_headline,
    about_text,
    answer,
    complaints,
    one,
    pulse,
    source,
    spiked,
    symbol,
    two,
)
from tests.summary_slips import SLIPS
from tests.summary_wrongs import CONTENT, NUMBERS, SIGNS, WORDS


@pytest.mark.parametrize("text", [*NUMBERS.values(), *WORDS.values()], ids=[*NUMBERS, *WORDS])
def test_a_number_that_is_not_the_figure_is_refused(text: str) -> None:
    assert about_text(one(), text) != []


@pytest.mark.parametrize("text", SIGNS.values(), ids=SIGNS)
def test_a_word_that_points_the_wrong_way_is_refused(text: str) -> None:
    assert about_text(one(), text) != []


@pytest.mark.parametrize("text", SLIPS)
def test_a_sentence_that_sounds_right_and_is_false_is_refused(text: str) -> None:
    assert about_text(one(), text) != []


@pytest.mark.parametrize("text", CONTENT.values(), ids=CONTENT)
def test_what_the_facts_do_not_hold_is_refused(text: str) -> None:
    assert about_text(one(), text) != []


@pytest.mark.parametrize("text", [*NUMBERS.values(), *WORDS.values(), *CONTENT.values()])
def test_it_can_not_hide_in_a_headline_either(text: str) -> None:
    assert about_headline(two(), f"BTCUSDT: {text}"[:120]) != []
    assert about_headline(two(), text[:120]) != []


@pytest.mark.parametrize("text", [*NUMBERS.values(), *CONTENT.values()])
def test_nor_in_the_words_about_the_source(text: str) -> None:
    assert complaints(one(), answer(one(), said=f"Source ok. {text}")) != []


@pytest.mark.parametrize(
    "text",
    [
        "BTCUSDT down 1.98%",
        "BTCUSDT up 1.98%, ETHUSDT down 0.12%",
        "ETHUSDT at 61,990.10",
        "Up 1.98%: ETHUSDT; down 0.12%: BTCUSDT",
        "A market at 3,012.45",
        "All symbols up",
        "Market falls",
        "3 symbols",
        "BTCUSDT and ETHUSDT up",
        "ETHUSDT calm, BTCUSDT spiking",
        "Ethereum falls",
        "ETHUSDT and BTCUSDT both up",
        "Up: ETHUSDT, and BTCUSDT",
        "All up: ETHUSDT leads by 1.98%",
        "BTCUSDT outpaces ETHUSDT",
        "Average change 0.93%",
        "1 of 2 symbols up",
        "ETHUSDT up 2.0%, better than BTCUSDT",
    ],
)
def test_a_headline_that_mixes_symbols_up_is_refused(text: str) -> None:
    assert about_headline(two(), text) != []


def test_figures_of_another_symbol_are_refused() -> None:
    assert about_text(two(), "Price 61,990.10.", "BTCUSDT") == []
    assert about_text(two(), "Price 61,990.10.", "ETHUSDT") != []
    assert about_text(two(), "Up 1.98% over 30m, while BTCUSDT fell.", "ETHUSDT") != []
    assert about_text(two(), "It moved with BTC.", "ETHUSDT") != []


@pytest.mark.parametrize(
    "text",
    [
        "It is calm.",
        "No spike.",
        "Spike status calm.",
        "From 61,990.10 to 61,837.63.",
        "Opened at 61,990.10.",
        "High 61,837.63.",
        "Volume 4.2x its usual.",
        "The 3rd spike in 24h.",
        "Volume 63.7 BTC in 1m.",
        "A small volume.",
        "Down 0.25% over 1m.",
        "3 spikes in 24h.",
        "A 24h high of 61,999.00.",
        "It rose 0.25% in 1m, to 61,999.00.",
        "It rose 0.25% in 1m, from 61,837.63 to 61,999.00.",
        "It rose to 61,990.10 from 61,999.00.",
        "0 trades in 1m.",
        "Up 0.25% in 1m on a volume of 63.7 BTC.",
        "From 61,837.63 to 61,990.10 over 30m.",
    ],
)
def test_false_words_about_a_spike_are_refused(text: str) -> None:
    assert about_text(spiked(), text) != []


def test_what_is_not_known_can_not_be_denied() -> None:
    warming = {**SPIKING, "status": "warming_up", "reasons": [], "count_24h": 0}
    facts = pulse_facts(pulse(symbol(spike=warming, open_gaps=1, missing_ids=3)))
    for text in ("No spike.", "It is calm.", "No open gaps.", "Nothing is missing.", "0 gaps."):
        assert about_text(facts, text) != []
    assert about_text(facts, "3 trades are missing in 1 open gap; spike status warming up.") == []


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("ok", "Source degraded."),
        ("ok", "Source is fine."),
        ("ok", "Source ok, but gaps are there."),
        ("ok", "Source ok, data are delayed."),
        ("degraded", "Source ok."),
        ("degraded", "Source degraded, yet complete."),
        ("degraded", "Source degraded, no gaps."),
        ("degraded", "Degraded: 2 trades are missing."),
        ("stale", "Source stale but ok."),
        ("stale", "Stale, newest minute 12:33 UTC."),
        ("stale", "Stale, yet current."),
        ("stale", "Stale. BTCUSDT is fine."),
    ],
)
def test_false_words_about_the_source_are_refused(status: str, said: str) -> None:
    counts = {"open_gaps": 1, "missing_ids": 3} if status == "degraded" else {}
    facts = pulse_facts(pulse(health=source(status, "Some reason.", **counts)))
    assert complaints(facts, answer(facts, said=said)) != []
