"""The form of a model's answer: one JSON object with exactly its keys, and no tricks."""

import json
from typing import Any

import pytest

from lakehouse.summary import verdict
from tests.summaries import OK_SOURCE, answer, complaints, one, spiked, two

GOOD: dict[str, Any] = answer(one(), "BTCUSDT down 0.12% over 30m")
TEXT = json.dumps(GOOD)


def with_symbols(*symbols: object) -> str:
    return json.dumps({**GOOD, "symbols": list(symbols)})


def test_the_answer_that_the_others_are_made_of_is_good() -> None:
    assert complaints(one(), TEXT) == []
    assert complaints(spiked(), answer(spiked(), "BTCUSDT up 0.25%")) == []


@pytest.mark.parametrize("fence", ["```json\n{}\n```", "```\n{}\n```", "\n ```json\n{}```  \n"])
def test_one_code_fence_around_it_is_forgiven(fence: str) -> None:
    assert complaints(one(), fence.replace("{}", TEXT)) == []


@pytest.mark.parametrize(
    "completion",
    [
        "",
        "   ",
        "null",
        "[]",
        '"text"',
        "{}",
        "I can't help with that.",
        TEXT[:-1],
        TEXT + "}",
        TEXT + TEXT,
        TEXT + " Hope this helps!",
        "Here you are: " + TEXT,
        f"```json\n{TEXT}\n``` and more",
        f"```json\n{TEXT}\n```\n```json\n{TEXT}\n```",
        f"``````json\n{TEXT}\n``````",
        f"\ufeff{TEXT}",
        TEXT.replace('"', "'"),
        TEXT[:-1] + ",}",
        TEXT[:-1] + ', "source": "Source ok."}',
        '{"headline": "BTCUSDT up", ' + TEXT[1:],
        TEXT[:-1] + ', "comment": "Buy!"}',
        TEXT[:-1] + ', "__proto__": {}}',
        TEXT.replace('"headline"', '"Headline"'),
        TEXT.replace('"headline"', '"headline\u200b"'),
        json.dumps({key: GOOD[key] for key in ("headline", "symbols")}),
        json.dumps({**GOOD, "headline": 1}),
        json.dumps({**GOOD, "headline": None}),
        json.dumps({**GOOD, "headline": ["a"]}),
        json.dumps({**GOOD, "headline": ""}),
        json.dumps({**GOOD, "headline": " "}),
        json.dumps({**GOOD, "headline": float("nan")}),
        json.dumps({**GOOD, "source": {"status": "ok"}}),
        json.dumps({**GOOD, "headline": "a" * 121}),
        json.dumps({**GOOD, "source": OK_SOURCE + " ok" * 200}),
        json.dumps({**GOOD, "symbols": {}}),
        json.dumps({**GOOD, "symbols": "BTCUSDT"}),
        json.dumps({**GOOD, "symbols": GOOD["symbols"] * 2}),
        with_symbols(),
        with_symbols("BTCUSDT"),
        with_symbols({"symbol": "BTCUSDT", "text": "Down."}),
        with_symbols({**GOOD["symbols"][0], "price": "61990.10"}),
        with_symbols({**GOOD["symbols"][0], "symbol": "btcusdt"}),
        with_symbols({**GOOD["symbols"][0], "symbol": "BTCUSDT "}),
        with_symbols({**GOOD["symbols"][0], "direction": "up"}),
        with_symbols({**GOOD["symbols"][0], "direction": "Down"}),
        with_symbols({**GOOD["symbols"][0], "direction": None}),
        with_symbols({**GOOD["symbols"][0], "text": "a " * 300}),
        with_symbols(*GOOD["symbols"], {**GOOD["symbols"][0], "symbol": "DOGEUSDT"}),
        '{"headline": 1e999999, "symbols": [], "source": ""}',
        '{"headline": ' + "9" * 5000 + ', "symbols": [], "source": ""}',
        '{"headline": NaN, "symbols": Infinity, "source": -Infinity}',
        "[" * 30_000,
        '{"a":' * 6_000,
        '{"headline": "' + "a" * 100_000 + '"}',
        '"' + "\\u0000" * 100,
        "\ud800",
        "\x00",
    ],
)
def test_another_form_is_refused(completion: str) -> None:
    found = verdict(one(), completion)
    assert not found["ok"] and found["rendered"] is None and found["complaints"]
    assert len(json.dumps(found)) < 40_000
    json.dumps(found, ensure_ascii=False).encode()


def test_the_forms_of_the_two_kinds_are_not_mixed() -> None:
    assert complaints(one(), answer(spiked())) != []
    assert complaints(spiked(), answer(one())) != []


def test_every_symbol_stands_in_the_answer_once() -> None:
    good = answer(two())
    assert complaints(two(), good) == []
    assert complaints(two(), {**good, "symbols": good["symbols"][::-1]}) == []
    [told] = complaints(two(), {**good, "symbols": good["symbols"][:1]})
    assert told.startswith("ETHUSDT must stand in the answer once")
    twice = {**good, "symbols": [*good["symbols"], good["symbols"][0]]}
    assert any("2 times" in told for told in complaints(two(), twice))


def test_complaints_are_few_and_short() -> None:
    said = answer(two(), BTCUSDT=" ".join(str(at) for at in range(100, 220)))
    found = verdict(two(), json.dumps(said))
    assert 1 < len(found["complaints"]) <= 12
    assert all(len(told) < 200 for told in found["complaints"])


def test_a_long_answer_is_given_back_cut() -> None:
    found = verdict(one(), "x" * 100_000)
    assert len(found["retry_messages"][2]["content"]) == 4000
