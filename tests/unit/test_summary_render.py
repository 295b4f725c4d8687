"""The forms of a message: what is wrong comes first, nothing is markup, limits are kept."""

import html
import json
import re
from typing import Any

import pytest

from lakehouse.summary import Facts, Rendered, brief, pulse_facts, verdict
from tests.summaries import ETH, SPIKING, answer, event, one, pulse, source, spiked, symbol, two

TRICKY = "<!channel> & *bold* `x` <https://evil.example|click> @here ```"


def rendered(facts: Facts, **texts: str) -> Rendered:
    found: Rendered = verdict(facts, json.dumps(answer(facts, **texts)))["rendered"]
    assert found is not None
    return found


def fallback(facts: Facts) -> Rendered:
    found: Rendered = brief(facts)["fallback"]
    return found


def slack_texts(shown: Rendered) -> list[str]:
    """The text of each block, in order."""
    found = []
    for block in shown["slack"]["blocks"]:
        parts = block["elements"] if block["type"] == "context" else [block["text"]]
        found += [part["text"] for part in parts]
    return found


def many(count: int, text: str = "A") -> Facts:
    symbols = [symbol(f"{text}{at}USDT", trades_24h=at) for at in range(count)]
    reasons = [f"Reason {at}: {TRICKY}" * 20 for at in range(30)]
    return pulse_facts(pulse(*symbols, health=source("stale", *reasons)))


@pytest.mark.parametrize("status", ["stale", "degraded"])
def test_what_is_wrong_with_the_source_stands_first(status: str) -> None:
    facts = pulse_facts(pulse(health=source(status, "Its newest minute is old.")))
    said = f"Source {status}, newest minute 12:34 UTC."
    for shown in (fallback(facts), rendered(facts, said=said)):
        first = f"⚠ DATA {status.upper()}: Its newest minute is old."
        assert slack_texts(shown)[0] == first
        assert shown["slack"]["text"].startswith(first)
        assert shown["telegram"]["text"].startswith(f"<b>{first}</b>")
        assert shown["plain"].startswith(first)


def test_a_spike_from_bad_data_says_so_first_in_jira_too() -> None:
    facts = Facts("spike", {**spiked().data, "source": source("stale", "Old.")})
    issue = fallback(facts)["jira"]
    assert issue is not None and issue["summary"].startswith("[data stale] Spike: BTCUSDT up")
    assert issue["description"]["content"][0]["content"][0]["text"] == "⚠ DATA STALE: Old."
    assert issue["description"]["type"] == "doc" and issue["description"]["version"] == 1


def test_a_good_source_gives_no_warning() -> None:
    shown = fallback(one())
    assert "⚠" not in json.dumps(shown, ensure_ascii=False)
    assert shown["jira"] is None


def test_who_wrote_it_is_always_told() -> None:
    template, model = fallback(one()), rendered(one())
    assert template["source"] == "template" and model["source"] == "llm"
    for form in (template["plain"], template["telegram"]["text"], str(slack_texts(template))):
        assert "Written by template, not by a model." in form
    for form in (model["plain"], model["telegram"]["text"], str(slack_texts(model))):
        assert "Written by a model" in form and "template" not in form


def test_the_table_has_a_row_for_each_symbol() -> None:
    spiking = symbol("ETHUSDT", **{**ETH, "spike": SPIKING, "change_30m": None, "vwap_30m": None})
    shown = fallback(pulse_facts(pulse(symbol(), spiking)))
    table = next(text for text in slack_texts(shown) if text.startswith("```"))
    assert [line.split() for line in table.splitlines()[1:-1]] == [
        ["symbol", "Δ%", "30m", "VWAP", "30m", "volume", "30m", "spike"],
        ["BTCUSDT", "-0.12%", "61,721.90", "160.00", "calm"],
        ["ETHUSDT", "+0.42%", "5m", "3,011.90", "1m", "160.00", "SPIKE"],
    ]
    assert len({len(line) for line in table.splitlines()[1:-1]}) == 1
    assert html.escape(table[4:-4]) in shown["telegram"]["text"]


def test_the_table_of_a_spike_has_its_last_minutes() -> None:
    shown = fallback(spiked())
    table = next(text for text in slack_texts(shown) if text.startswith("```")).splitlines()[1:-1]
    assert [line.split()[0] for line in table[1:]] == ["12:30", "12:31", "12:32", "12:33", "12:34"]
    assert table[-1].split() == ["12:34", "61,990.10", "+0.25%", "41.20"]
    assert shown["jira"] is not None
    rows = next(each for each in shown["jira"]["description"]["content"] if each["type"] == "table")
    assert len(rows["content"]) == 6


def test_what_comes_from_outside_is_never_markup() -> None:
    """Symbols and reasons are not a model's words, but still not ours."""
    facts = pulse_facts(pulse(symbol("A<b>&`USDT"), health=source("degraded", TRICKY)))
    shown = fallback(facts)
    for block in shown["slack"]["blocks"]:
        for part in block.get("elements", [block.get("text")]):
            assert part["type"] == "plain_text" or "<" not in part["text"]
            assert part["type"] == "plain_text" or part["text"].count("`") == 6
    assert "<" not in shown["slack"]["text"] and "&lt;!channel&gt;" in shown["slack"]["text"]
    tags = set(re.findall(r"<[^>]*>", shown["telegram"]["text"]))
    assert tags == {"<b>", "</b>", "<i>", "</i>", "<pre>", "</pre>"}


@pytest.mark.parametrize("count", [1, 20, 100])
@pytest.mark.parametrize("text", ["A", "A" * 40, "币" * 40, "<&>" * 13])
def test_limits_are_kept_and_what_is_left_out_is_told(count: int, text: str) -> None:
    facts = many(count, text)
    shown = fallback(facts)
    assert len(facts.symbols) == min(count, 20)
    assert len(shown["slack"]["blocks"]) <= 50 and len(shown["slack"]["text"]) <= 3000
    for block in shown["slack"]["blocks"]:
        if block["type"] == "header":
            assert len(block["text"]["text"]) <= 150
        else:
            assert all(0 < len(part) <= 3000 for part in slack_texts(shown))
    assert 0 < len(shown["telegram"]["text"]) <= 4096
    if count > 20:
        assert f"{count - 20} more symbols are left out." in shown["plain"]
        assert "symbols are left out." in shown["telegram"]["text"]
    if text == "币" * 40 and count >= 20:
        assert re.search(r"\d+ more do not fit into this message", shown["telegram"]["text"])


def test_the_busiest_symbols_and_those_with_a_spike_are_kept() -> None:
    symbols = [symbol(f"A{at}USDT", trades_24h=at) for at in range(30)]
    symbols[3]["spike"] = SPIKING
    kept = [each["symbol"] for each in pulse_facts(pulse(*symbols)).symbols]
    assert kept == ["A3USDT", *(f"A{at}USDT" for at in range(11, 30))]


def test_no_float_is_anywhere() -> None:
    def walk(value: Any) -> None:
        assert not isinstance(value, float)
        for inner in value.values() if isinstance(value, dict) else value:
            if isinstance(inner, dict | list | float):
                walk(inner)

    for facts in (one(), two(), spiked()):
        walk(brief(facts))
        walk(verdict(facts, json.dumps(answer(facts))))


def test_a_symbol_that_does_not_trade_says_since_when() -> None:
    old = symbol("ETHUSDT", minutes_behind=30, minute="2026-11-21T12:04:00Z")
    shown = fallback(pulse_facts(pulse(symbol(), old)))
    for form in (shown["plain"], shown["telegram"]["text"], str(slack_texts(shown))):
        assert "ETHUSDT (last traded 2026-11-21 12:04 UTC):" in form
        assert form.count("last traded") == 1


def test_the_event_that_it_is_about_is_in_the_facts() -> None:
    assert spiked().data["event_id"] == event()["event_id"]
