"""A model's answer → its fields, or what is wrong with its form. Pure; never raises.

One JSON object with exactly the keys of the kind, each once, every value a string. A model that
wraps the whole answer in one code fence (```json … ```) is forgiven: it adds no words.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

MOST_CHARACTERS: Final = 40_000
MOST_HEADLINE: Final = 120
MOST_TEXT: Final = 500
_KEYS: Final[Mapping[str, Sequence[str]]] = {
    "pulse": ("headline", "symbols", "source"),
    "spike": ("headline", "symbol", "direction", "text", "source"),
}
_SYMBOL_KEYS: Final = ("symbol", "direction", "text")
_LIMITS: Final = {"headline": MOST_HEADLINE, "text": MOST_TEXT, "source": MOST_TEXT}
_FENCE: Final = re.compile(r"```(?:json)?[ \t]*\n")


class Unusable(ValueError):
    """The answer's form is wrong; the text is a complaint for the model."""


def parse(kind: str, completion: str) -> dict[str, Any]:
    """`{"headline", "source", "symbols": [{"symbol", "direction", "text"}]}` for both kinds.

    Unusable where the form is another.
    """
    if len(completion) > MOST_CHARACTERS:
        raise Unusable(f"The answer is longer than {MOST_CHARACTERS} characters.")
    data = _exactly(_loaded(_without_fence(completion.strip())), _KEYS[kind], "The answer")
    if kind == "spike":
        symbol = {key: data.pop(key) for key in _SYMBOL_KEYS}
        data["symbols"] = [symbol]
    if not isinstance(data["symbols"], list):
        raise Unusable('"symbols" must be a list.')
    for each in (data, *data["symbols"]):
        _texts(_exactly(each, _SYMBOL_KEYS, 'Each of "symbols"') if each is not data else each)
    return data


def _without_fence(text: str) -> str:
    start = _FENCE.match(text)
    if start is None or not text.endswith("```"):
        return text
    return text[start.end() : -3]


def _loaded(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant, parse_int=str)
    except Unusable:
        raise
    except (ValueError, RecursionError) as error:
        told = str(error).split("\n")[0][:100] if isinstance(error, ValueError) else "too deep"
        raise Unusable(f"The answer is not one JSON object and nothing else: {told}.") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unusable("A key stands twice in one JSON object.")
    return found


def _no_constant(name: str) -> Any:
    raise Unusable(f"{name} is no JSON.")


def _exactly(data: Any, keys: Sequence[str], what: str) -> dict[str, Any]:
    if not isinstance(data, dict) or set(data) != set(keys):
        raise Unusable(f"{what} must be a JSON object with exactly the keys {', '.join(keys)}.")
    return data


def _texts(data: Mapping[str, Any]) -> None:
    for key, value in data.items():
        if key == "symbols":
            continue
        if not isinstance(value, str) or not value.strip():
            raise Unusable(f'"{key}" must be a text.')
        if len(value) > _LIMITS.get(key, MOST_TEXT):
            raise Unusable(f'"{key}" is longer than {_LIMITS.get(key, MOST_TEXT)} characters.')
