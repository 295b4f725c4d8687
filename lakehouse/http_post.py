"""JSON posted to a webhook or a bot: one attempt, or patiently. No error ever holds the address."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import stamina

from lakehouse.values import Json

TIMEOUT_SECONDS: Final = 10.0
ATTEMPTS: Final = 8
PATIENCE_SECONDS: Final = 300.0
_MOST_WAIT: Final = 60.0
_MOST_ANSWER_BYTES: Final = 4_096
_MOST_WORDS: Final = 100
_LEAST_SECRET: Final = 6


class Refused(Exception):
    """The receiver answered with another status than 2xx, or nothing answered (`status` 0).

    Its words never hold the address, which is a secret.
    """

    def __init__(self, status: int, words: str, retry_after: float | None = None) -> None:
        super().__init__(words)
        self.status = status
        self.retry_after = retry_after

    @property
    def passing(self) -> bool:
        """Whether it may be taken later: too many requests, a fault of the server, nobody there."""
        return self.status in (0, 408, 429) or self.status >= 500


@dataclass(frozen=True)
class Target:
    """Where to post. `setting` is the name by which errors tell it; the address is a secret.

    `bearer`: the token that is sent along, a secret too; empty for none.
    """

    url: str = field(repr=False)
    setting: str
    bearer: str = field(default="", repr=False)


class _NotRedirected(urllib.request.HTTPRedirectHandler):
    """What is posted goes to the address of the settings, or nowhere."""

    def redirect_request(self, *_: object) -> None:
        return None


OPENER: Final = urllib.request.build_opener(_NotRedirected())


def deliver(
    target: Target, body: Json, attempts: int = ATTEMPTS, seconds: float = PATIENCE_SECONDS
) -> None:
    """Post one message; tries again with back-off, or when the server says. Raises Refused."""

    def again(error: Exception) -> bool | float:
        if not isinstance(error, Refused) or not error.passing:
            return False
        return True if error.retry_after is None else min(error.retry_after, _MOST_WAIT)

    # Without arguments: stamina would put them into its log.
    @stamina.retry(
        on=again,
        attempts=attempts,
        timeout=seconds,
        wait_initial=0.5,
        wait_max=30.0,
        wait_jitter=0.5,
    )
    def try_once() -> None:
        post(target, body)

    try_once()


def post(target: Target, body: Json) -> None:
    """One attempt; raises Refused."""
    data = json.dumps(body, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "firehose"}
    if target.bearer:
        headers["Authorization"] = f"Bearer {target.bearer}"
    try:
        request = urllib.request.Request(target.url, data, headers)
        with OPENER.open(request, timeout=TIMEOUT_SECONDS):
            return
    except urllib.error.HTTPError as error:
        raise _refusal(target, error) from None
    except ValueError:  # its words would hold the address, or the token
        what = "is no address, or its token is none" if target.bearer else "is no address"
        raise Refused(400, f"{target.setting} {what}") from None
    except (OSError, http.client.HTTPException) as error:
        raise Refused(0, no_answer(error)) from None


def no_answer(error: OSError | http.client.HTTPException) -> str:
    """What to tell of a request that brought no answer, without its address."""
    reason = getattr(error, "reason", error)
    words = getattr(reason, "strerror", None) or type(reason).__name__
    return f"it does not answer: {words}"


def retry_after(error: urllib.error.HTTPError) -> float | None:
    """The seconds that the server asked to wait; None where it names none (or a date)."""
    told = (error.headers.get("Retry-After") or "").strip()
    return float(told) if told.isascii() and told.isdecimal() else None


def _refusal(target: Target, error: urllib.error.HTTPError) -> Refused:
    said = _said(error)
    answer = _object(said)
    wait = retry_after(error)
    if wait is None:  # Telegram says it in the answer
        parameters = answer.get("parameters")
        asked = parameters.get("retry_after") if isinstance(parameters, dict) else None
        wait = float(asked) if isinstance(asked, int) and asked >= 0 else None
    # Telegram's description, or the word that is all of Slack's answer.
    words = answer.get("description", "" if answer else said)
    told = f"it answered {error.code}"
    if isinstance(words, str) and _harmless(target, words):
        told += f": {words.rstrip('.')}"
    return Refused(error.code, told, wait)


def _said(error: urllib.error.HTTPError) -> str:
    try:
        return error.read(_MOST_ANSWER_BYTES).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException):
        return ""


def _object(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _harmless(target: Target, words: str) -> bool:
    """A short line of text, without any part of the address or the token in it."""
    if not words or len(words) > _MOST_WORDS or not words.isprintable() or "<" in words:
        return False
    parts = urlsplit(target.url)
    secrets = [part for part in f"{parts.path}/{parts.query}".replace("=", "/").split("/") if part]
    if target.bearer:
        secrets.append(target.bearer)
    return not any(part in words for part in secrets if len(part) >= _LEAST_SECRET)
