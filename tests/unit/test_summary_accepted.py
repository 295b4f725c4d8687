"""Sentences that models write, true of the figures: let through, or all would be template."""

import json
from typing import Any

import pytest

from lakehouse.summary import Facts, brief, pulse_facts, verdict
from lakehouse.summary.template import template
from tests.summaries import (
    ETH,
    SPIKING,
    about_headline,
    about_text,
    answer,
    complaints,
    event,
    one,
    pulse,
    source,
    spiked,
    symbol,
    two,
)
from tests.summary_truths import TRUE_OF_SPIKE, TRUE_TEXTS


@pytest.mark.parametrize(
    "text",
    TRUE_TEXTS,
)
def test_a_true_text(text: str) -> None:
    assert about_text(one(), text) == []


@pytest.mark.parametrize(
    "text",
    [
        "BTCUSDT down 0.12% over 30m, ETHUSDT up 1.98%",
        "BTCUSDT slips 0.1%; ETHUSDT gains 2.0% to 3,012.45",
        "Mixed market: 2 symbols",
        "Mixed: ETHUSDT up 2.0%, BTCUSDT down 0.1%",
        "Market mixed over 30m",
        "ETHUSDT up, BTCUSDT down",
        "BTCUSDT and ETHUSDT: figures of 12:34 UTC",
        "ETHUSDT (ETH/USDT) up 5.2% in 24h",
        "BTCUSDT at 61,990",
    ],
)
def test_a_true_headline(text: str) -> None:
    assert about_headline(two(), text) == []


@pytest.mark.parametrize(
    "text",
    TRUE_OF_SPIKE,
)
def test_a_true_explanation_of_a_spike(text: str) -> None:
    assert about_text(spiked(), text) == []


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("ok", "The source is ok; the newest minute is 12:34 UTC."),
        ("ok", "Source status: ok, no open gaps, up to date."),
        ("degraded", "Degraded: 3 trades are missing in 1 open gap since 2026-11-21T12:31:07Z."),
        ("stale", "Data are stale, newest minute 2026-11-21 12:34 UTC."),
    ],
)
def test_true_words_about_the_source(status: str, said: str) -> None:
    counts = {"open_gaps": 1, "missing_ids": 3} if status == "degraded" else {}
    health = source(status, "From 2026-11-21T12:31:07Z.", **counts)
    facts = pulse_facts(pulse(health=health))
    assert complaints(facts, answer(facts, said=said)) == []


@pytest.mark.parametrize("name", ["1000SATSUSDT", "1INCHUSDT", "币安人生USDT", "1MBABYDOGEUSDT"])
def test_digits_and_letters_of_a_symbol_are_no_numbers(name: str) -> None:
    facts = pulse_facts(pulse(symbol(name)))
    text = f"{name} fell 0.12% over 30m; {name}'s price is 61,990.10."
    assert about_text(facts, text, name) == []
    assert about_headline(facts, f"{name} down 3.46% over 24h") == []


def test_tiny_prices_and_huge_amounts() -> None:
    tiny = symbol("PEPEUSDT", price="0.00000712", quote_volume_24h="123456789.1234567800000000")
    facts = pulse_facts(pulse(tiny))
    said = "Price 0.00000712, volume 123.46M USDT over 24h; price 0.0000071."
    assert about_text(facts, said, "PEPEUSDT") == []
    assert about_text(facts, "Price 0.000007.", "PEPEUSDT") != []


@pytest.mark.parametrize("status", ["ok", "degraded", "stale"])
@pytest.mark.parametrize(
    "given",
    [{}, ETH, {"spike": SPIKING}, {"spike": {**SPIKING, "status": "warming_up", "reasons": []}}],
)
def test_the_template_passes_its_own_verification(given: dict[str, Any], status: str) -> None:
    facts = pulse_facts(pulse(symbol(**given), symbol("ETHUSDT", **ETH), health=source(status)))
    assert_template_passes(facts)


def assert_template_passes(facts: Facts) -> None:
    made = template(facts)
    said = answer(facts, made.headline, made.source, **made.texts)
    assert complaints(facts, said) == []


@pytest.mark.parametrize("change", ["0.002465651417", "-0.012000000000"])
def test_the_template_of_a_spike_passes_too(change: str) -> None:
    way = ["return_up" if change[0] == "0" else "return_down", "volume_high"]
    facts = spiked(return_1m=change, spike_reasons=way)
    assert_template_passes(facts)
    assert facts.symbols[0]["direction"] == ("up" if change[0] == "0" else "down")


def test_a_good_answer_is_rendered_and_a_bad_one_is_not() -> None:
    facts = one()
    good = verdict(facts, json.dumps(answer(facts, "BTCUSDT down 0.12% over 30m")))
    assert good["ok"] and good["rendered"]["source"] == "llm" and good["retry_messages"] == []
    bad = verdict(facts, json.dumps(answer(facts, "BTCUSDT down 0.13% over 30m")))
    assert not bad["ok"] and bad["rendered"] is None and bad["summary"] is None
    asked, again = brief(facts)["messages"], bad["retry_messages"]
    assert again[:2] == asked and again[2]["role"] == "assistant"
    assert "0.13%" in again[3]["content"] and event()["event_id"] not in again[3]["content"]
