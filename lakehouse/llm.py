"""A model that writes: chat completions of any OpenAI-compatible API, asked for one JSON object."""

import logging
import time
from collections.abc import Sequence
from typing import Any, Final

import httpx

from lakehouse.errors import SettingsError
from lakehouse.settings import Settings

_MOST_BYTES: Final = 262_144
# Its log of requests holds whole addresses, and some gateways have their key in there.
logging.getLogger("httpx").setLevel(logging.WARNING)


class ModelError(Exception):
    """The model gave no answer that could be read. Its words hold no key and no address."""


class Model:
    """LLM_MODEL at LLM_BASE_URL."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @staticmethod
    def of(settings: Settings) -> "Model | None":
        """The model of the settings; None where there is none.

        SettingsError where LLM_BASE_URL or LLM_MODEL is set without the other.
        """
        given = bool(settings.llm_base_url), bool(settings.llm_model)
        if any(given) and not all(given):
            missing = "LLM_MODEL" if given[0] else "LLM_BASE_URL"
            raise SettingsError(f"{missing} is empty.", "Set both, or neither: then no model is.")
        return Model(settings) if all(given) else None

    def ask(self, messages: Sequence[dict[str, str]]) -> str:
        """The text of the answer. Raises ModelError.

        After LLM_TIMEOUT_SECONDS nothing more is read; a silence in mid-answer may last as long.
        """
        seconds = self._settings.llm_timeout_seconds
        try:
            return self._ask(messages, time.monotonic() + seconds)
        except httpx.TimeoutException:
            raise ModelError(f"it gave no answer within {seconds:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ModelError(f"it can't be reached: {type(error).__name__}") from None

    def _ask(self, messages: Sequence[dict[str, str]], deadline: float) -> str:
        body = {
            "model": self._settings.llm_model,
            "messages": list(messages),
            "response_format": {"type": "json_object"},
            "stream": False,
        }
        url = f"{self._settings.llm_base_url}/chat/completions"
        with (
            httpx.Client(timeout=deadline - time.monotonic()) as client,
            client.stream("POST", url, json=body, headers=self._headers()) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise ModelError(f"it answered {answer.status_code}")
            return _text(_read(answer, deadline))

    def _headers(self) -> dict[str, str]:
        key = self._settings.llm_api_key.get_secret_value()
        return {"Authorization": f"Bearer {key}"} if key else {}


def _read(answer: httpx.Response, deadline: float) -> httpx.Response:
    """The whole answer, of limited size; the time is limited as a whole, not from byte to byte."""
    data = bytearray()
    for part in answer.iter_bytes():
        data += part
        if len(data) > _MOST_BYTES:
            raise ModelError(f"its answer is longer than {_MOST_BYTES:,} bytes")
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("too slow")
    return httpx.Response(answer.status_code, content=bytes(data))


def _text(answer: httpx.Response) -> str:
    try:
        found: Any = answer.json()["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError):
        found = None
    if not isinstance(found, str):
        raise ModelError("its answer is no chat completion")
    return found
