"""A summary from its facts: a model's words where they hold, else the template's.

As the workflows of n8n do it: ask, verify, ask once more with what was wrong, fall back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lakehouse.llm import ModelError
from lakehouse.summary import Facts, Rendered, brief, verdict

Ask = Callable[[Sequence[dict[str, str]]], str]

MOST_ATTEMPTS: Final = 2


@dataclass(frozen=True)
class Written:
    """What is to be sent, and how it came about. `completion`: the model's last answer."""

    rendered: Rendered
    prompt_version: str
    completion: str | None
    complaints: tuple[str, ...]
    attempts: int

    @property
    def source(self) -> str:
        """Whose words are sent: llm or template."""
        return self.rendered["source"]


def write(facts: Facts, ask: Ask | None) -> Written:
    """Words for these facts; `ask` gives the model's answer to messages or raises ModelError."""
    asked = brief(facts)
    version, messages = asked["prompt_version"], asked["messages"]
    completion: str | None = None
    complaints: tuple[str, ...] = ()
    attempts = 0
    while ask is not None and attempts < MOST_ATTEMPTS:
        attempts += 1
        try:
            completion = ask(messages)
        except ModelError as error:
            complaints = (*complaints, f"The model gave no answer: {error}.")
            break
        judged = verdict(facts, completion)
        complaints = tuple(judged["complaints"])
        if judged["ok"]:
            return Written(judged["rendered"], version, completion, (), attempts)
        messages = judged["retry_messages"]
    return Written(asked["fallback"], version, completion, complaints, attempts)
