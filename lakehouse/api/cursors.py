"""Where a page ended, as an opaque text for the request of the next one."""

import base64
import binascii
from typing import TypeVar

import orjson

from lakehouse.api.problems import ProblemError

_Part = TypeVar("_Part", int, str)


def encode(*parts: int | str) -> str:
    """The place behind which the next page begins."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def decode(text: str, *kinds: type) -> tuple[int | str, ...]:
    """The parts again; ProblemError 422 for what this API did not give out."""
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        parts = None
    fits = isinstance(parts, list) and [type(part) for part in parts] == list(kinds)
    if not fits or any(isinstance(part, int) and abs(part) > 1 << 53 for part in parts):
        raise ProblemError(422, "bad_cursor", "The cursor is not one that this API gave out.")
    return tuple(parts)
