"""What a model is asked, and what is sent if it gives no usable answer. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from lakehouse.summary.facts import Facts, figures_of, source_figures
from lakehouse.summary.prompts import prompt
from lakehouse.summary.render import render
from lakehouse.summary.template import template
from lakehouse.summary.times import clock_text

Message = dict[str, str]


def brief(facts: Facts) -> dict[str, Any]:
    """`{"kind", "prompt_version", "facts", "messages", "fallback"}`; the fallback is a Rendered."""
    asked = prompt(facts.kind)
    return {
        "kind": facts.kind,
        "prompt_version": asked.version,
        "facts": facts.to_json(),
        "messages": messages(facts),
        "fallback": render(facts, template(facts)),
    }


def messages(facts: Facts) -> list[Message]:
    """The system's and the user's message."""
    asked = prompt(facts.kind)
    user = asked.user.replace("{facts}", listing(facts))
    return [{"role": "system", "content": asked.system}, {"role": "user", "content": user}]


def retry_messages(facts: Facts, answer: str, complaints: Sequence[str]) -> list[Message]:
    """The messages once more, with the model's answer and what was wrong with it."""
    told = "\n".join(f"- {complaint}" for complaint in complaints)
    again = prompt(facts.kind).retry.replace("{complaints}", told)
    said = [{"role": "assistant", "content": answer}, {"role": "user", "content": again}]
    return [*messages(facts), *said]


def listing(facts: Facts) -> str:
    """The facts as lines: small models copy figures best as they are to be written."""
    lines = [f"SOURCE status: {facts.source['status']}"]
    lines += [f"  newest minute: {clock_text(facts.source['newest_minute'])}"]
    lines += [f"  {each.says}: {each.shown}" for each in source_figures(facts) if each.value]
    lines += [f"  reason: {reason['text']}" for reason in facts.source["reasons"]]
    for symbol in facts.symbols:
        lines += ["", *_symbol_lines(symbol)]
    return "\n".join(lines)


def _symbol_lines(symbol: Mapping[str, Any]) -> list[str]:
    reasons = ", ".join(symbol["spike_reasons"])
    spike = symbol["spike"].replace("_", " ") + (f" ({reasons})" if reasons else "")
    return [
        f"SYMBOL {symbol['symbol']}",
        f"  direction: {symbol['direction']}",
        f"  minute: {clock_text(symbol['minute'])}",
        f"  spike status: {spike}",
        *(f"  {each.says}: {each.shown}" for each in figures_of(symbol)),
    ]
