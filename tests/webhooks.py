"""A webhook that keeps what arrives, and answers as it is told: a real HTTP server."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.recorders import Asked, Recorder, Reply, served

Answer = tuple[int, Mapping[str, str]]


class Webhook(Recorder):
    """`taken` are the bodies answered with 200, `types` their content types."""

    path = "/T0/SECRET"

    def __init__(self, answers: Sequence[Answer]) -> None:
        super().__init__(self._take_message)
        self.taken: list[dict[str, Any]] = []
        self.types: list[str] = []
        self.then(*(Reply(status, headers=headers) for status, headers in answers))

    def texts(self) -> list[str]:
        """All words of each message, as one text."""
        return [json.dumps(body, ensure_ascii=False) for body in self.taken]

    def wait_for_words(self, words: str, seconds: float) -> str:
        """The first message that holds `words`; AssertionError where none comes in time."""
        self.wait_until(
            lambda: any(words in text for text in self.texts()), seconds, f"an alert with {words!r}"
        )
        return next(text for text in self.texts() if words in text)

    def _take_message(self, asked: Asked) -> Reply:
        self.taken.append(asked.json())
        self.types.append(asked.headers["content-type"])
        return Reply()


@contextmanager
def webhook(answers: Sequence[Answer] = ()) -> Iterator[Webhook]:
    """A webhook that gives these answers first, and 200 from then on."""
    found = Webhook(answers)
    with served(found):
        yield found
