"""A model's answer, held against the facts: only what they bear out goes to people. Pure.

Never raises, whatever the answer; takes time in proportion to its length.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from lakehouse.summary.brief import retry_messages
from lakehouse.summary.completion import Unusable, parse
from lakehouse.summary.facts import Facts
from lakehouse.summary.render import render
from lakehouse.summary.template import Summary
from lakehouse.summary.texts import headline_complaints, source_complaints, text_complaints

_MOST_COMPLAINTS: Final = 12
_MOST_ANSWER: Final = 4000


def verdict(facts: Facts, completion: str) -> dict[str, Any]:
    """`{"ok", "complaints", "summary", "rendered", "retry_messages"}`.

    Where ok, `summary` is the answer (`{"headline", "symbols", "source"}` for both kinds) and
    `rendered` a Rendered; else both are None, and `retry_messages` ask the model once more.
    """
    complaints, summary = _judged(facts, completion)
    shown = _clean(completion)[:_MOST_ANSWER]
    return {
        "ok": summary is not None,
        "complaints": complaints,
        "summary": summary and _as_json(facts, summary),
        "rendered": summary and render(facts, summary),
        "retry_messages": [] if summary else retry_messages(facts, shown, complaints),
    }


def _judged(facts: Facts, completion: str) -> tuple[list[str], Summary | None]:
    try:
        answer = parse(facts.kind, completion)
    except Unusable as error:
        return [_clean(str(error))], None
    found = map(_clean, islice(_complaints(facts, answer), 2 * _MOST_COMPLAINTS))
    if complaints := list(dict.fromkeys(found)):
        return complaints[:_MOST_COMPLAINTS], None
    texts = {each["symbol"]: each["text"].strip() for each in answer["symbols"]}
    headline, source = answer["headline"].strip(), answer["source"].strip()
    return [], Summary(headline, texts, source, "llm")


def _complaints(facts: Facts, answer: Mapping[str, Any]) -> Iterator[str]:
    yield from _coverage(facts, answer)
    for why in headline_complaints(facts, answer["headline"]):
        yield f"headline: {why}"
    for why in source_complaints(facts, answer["source"]):
        yield f"source: {why}"
    given = {symbol["symbol"]: symbol for symbol in facts.symbols}
    for each in answer["symbols"]:
        if (symbol := given.get(each["symbol"])) is None:
            continue
        if each["direction"] != symbol["direction"]:
            yield f"{each['symbol']}: the direction is {symbol['direction']}"
        for why in text_complaints(facts, symbol, each["text"]):
            yield f"{each['symbol']}: {why}"


def _coverage(facts: Facts, answer: Mapping[str, Any]) -> Iterator[str]:
    """Each symbol of the facts once, and no other."""
    named = [each["symbol"] for each in answer["symbols"]]
    given = [symbol["symbol"] for symbol in facts.symbols]
    for name in given:
        if (times := named.count(name)) != 1:
            yield f"{name} must stand in the answer once, and stands there {times} times"
    if strangers := [name for name in dict.fromkeys(named) if name not in given]:
        yield f'"{strangers[0][:40]}" is no symbol of the facts'


def _as_json(facts: Facts, summary: Summary) -> dict[str, Any]:
    """The same for both kinds."""
    symbols = [
        {
            "symbol": symbol["symbol"],
            "direction": symbol["direction"],
            "text": summary.texts[symbol["symbol"]],
        }
        for symbol in facts.symbols
    ]
    return {"headline": summary.headline, "symbols": symbols, "source": summary.source}


def _clean(text: str) -> str:
    """Lone surrogates can't be sent on as UTF-8, nor control characters to a terminal."""
    shown = "".join(char if char.isprintable() or char == "\n" else "?" for char in text)
    return shown.encode("utf-8", "replace").decode("utf-8")
