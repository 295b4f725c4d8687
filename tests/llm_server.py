"""An OpenAI-compatible model as a local server: it answers well, or wrong in the ways that count.

A good answer is made of the facts in the prompt, as a careful model would make it.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Any

from tests.recorders import Asked, Recorder, Reply, served

MODEL, KEY = "test-model", "LLM-SECRET"
INVENTED = "987654.32"
_CHANGE = "price change (1m)"


class Says(Enum):
    """How the model answers one request."""

    GOOD = "good"
    INVENTS = "a number that is not among the facts"
    ADVISES = "advice to buy"
    BROKEN = "JSON that ends too early"
    SILENT = "nothing, until the client gives up"
    FAILS = "500"


class Llm(Recorder):
    """Chat completions under `base_url`. After the answers of `says` come good ones."""

    def __init__(self, silent_seconds: float = 60.0) -> None:
        super().__init__(self._rule_of_llm)
        self._says: list[Says] = []
        self._silent_seconds = silent_seconds

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def says(self, *answers: Says) -> None:
        """Answer the next requests so."""
        self._says.extend(answers)

    def prompts(self) -> list[list[dict[str, str]]]:
        """The messages of each request."""
        return [asked.json()["messages"] for asked in self.asked]

    def _rule_of_llm(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return _refuses(401, "Incorrect API key provided")
        if asked.path != "/v1/chat/completions":
            return _refuses(404, "Invalid URL")
        request = asked.json()
        if request.get("model") != MODEL:
            return _refuses(404, f"The model {request.get('model')!r} does not exist")
        if request.get("stream"):
            return _refuses(400, "This server does not stream")
        return self._say(request["messages"])

    def _say(self, messages: list[dict[str, Any]]) -> Reply:
        how = self._says.pop(0) if self._says else Says.GOOD
        if how is Says.FAILS:
            return _refuses(500, "The server had an error")
        answer = good_answer(messages)
        wait = self._silent_seconds if how is Says.SILENT else 0.0
        return Reply(200, _completion(spoilt(answer, how)), after_seconds=wait)


def facts_in(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """The facts as the prompt lists them: `{"source": {name: value}, "symbols": [{…}]}`."""
    text = next(_text(each) for each in messages if each["role"] == "user")
    source: dict[str, str] = {}
    symbols: list[dict[str, str]] = []
    for line in text.splitlines():
        name, _, value = line.strip().partition(": ")
        if line.startswith("SYMBOL "):
            symbols.append({"symbol": line.removeprefix("SYMBOL ")})
        elif value:
            (symbols[-1] if symbols else source).setdefault(name, value)
    assert source and symbols, f"no facts in the prompt: {text}"
    return {"source": source, "symbols": symbols}


def good_answer(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """What a careful model answers: of a pulse all symbols, of a spike its one."""
    facts = facts_in(messages)
    told = [_symbol(each) for each in facts["symbols"]]
    status = facts["source"]["SOURCE status"]
    source = f"Source {status}, newest minute {facts['source']['newest minute']}."
    if '"symbols"' in _text(messages[0]):
        return {"headline": "Market figures", "symbols": told, "source": source}
    return {"headline": f"{told[0]['symbol']} stands out", **told[0], "source": source}


def _symbol(one: Mapping[str, str]) -> dict[str, str]:
    label = next(each for each in one if each.partition(" (")[0] in ("price", "close"))
    parts = [f"{label.partition(' (')[0]} {one[label]}".capitalize()]
    parts += [_moved(label, shown) for label, shown in one.items() if label == _CHANGE]
    text = f"{', '.join(parts)}."
    return {"symbol": one["symbol"], "direction": one["direction"], "text": text}


def _moved(label: str, shown: str) -> str:
    word = {"+": "up ", "-": "down "}.get(shown[0], "flat at ")
    return f"{word}{shown.lstrip('+-')} over {label.removesuffix(')').partition('(')[2]}"


def spoilt(answer: dict[str, Any], how: Says) -> str:
    """The text of an answer, with the fault that is wanted."""
    place = answer["symbols"][0] if "symbols" in answer else answer
    if how is Says.INVENTS:
        place["text"] += f" Its volume was {INVENTED}."
    if how is Says.ADVISES:
        place["text"] += " You should buy now."
    text = json.dumps(answer, ensure_ascii=False)
    return text[: len(text) // 2] if how is Says.BROKEN else text


def _text(message: Mapping[str, Any]) -> str:
    """The text of a message; clients send it as it is, or in parts."""
    content = message["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _completion(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1763726400,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 90, "total_tokens": 990},
    }


def _refuses(status: int, words: str) -> Reply:
    told = {"message": words, "type": "error", "param": None, "code": None}
    return Reply(status, {"error": told})


@contextmanager
def llm(silent_seconds: float = 60.0, port: int = 0) -> Iterator[Llm]:
    """A model on 127.0.0.1; SILENT answers come after `silent_seconds`."""
    found = Llm(silent_seconds)
    with served(found, port):
        yield found
