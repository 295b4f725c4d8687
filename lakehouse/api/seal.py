"""Facts that this API gave out are known by their seal: invented figures can't be verified here.

The seal is an HMAC over the facts. Its key comes from API_KEY, or where there is none from a file
in DATA_DIR, so that facts given out before a restart are known after it.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import structlog

from lakehouse.api.problems import ProblemError
from lakehouse.settings import Settings
from lakehouse.summary import Facts

log = structlog.get_logger(__name__)

FILE: Final = "api-facts.key"
FIELD: Final = "digest"
_KEY_BYTES: Final = 32
_PURPOSE: Final = b"firehose: facts of a summary"


class Seal:
    """Marks facts, and knows them again. The key is had when it is first needed."""

    def __init__(self, key: Callable[[], bytes]) -> None:
        self._find_key = key

    @classmethod
    def of(cls, settings: Settings) -> "Seal":
        """The seal of this lake's API."""
        known = settings.api_key.get_secret_value().encode()
        return cls(lambda: known or _file_key(settings.data_path / FILE))

    def sealed(self, facts: Facts) -> dict[str, Any]:
        """The facts as JSON, with their `digest` among them."""
        return {**facts.to_json(), FIELD: self._digest(facts)}

    def opened(self, data: Mapping[str, Any]) -> Facts:
        """The facts again; ProblemError 409 where this API did not give them out just so."""
        try:
            facts = Facts.from_json({name: data[name] for name in data if name != FIELD})
            given = str(data.get(FIELD, "")).encode()
            known = hmac.compare_digest(self._digest(facts).encode(), given)
        except (ValueError, RecursionError):
            known = False
        if not known:
            detail = "These facts are not as this API gave them out: ask for a new brief."
            raise ProblemError(409, "unknown_facts", detail)
        return facts

    @cached_property
    def _key(self) -> bytes:
        return hmac.digest(self._find_key(), _PURPOSE, "sha256")

    def _digest(self, facts: Facts) -> str:
        return hmac.new(self._key, facts.canonical.encode(), hashlib.sha256).hexdigest()


def _file_key(path: Path) -> bytes:
    """The key in the file, which is made where it is missing; a passing one where it can't be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _make(path)
        found = path.read_bytes()
    except OSError as error:
        log.warning("facts_key_not_kept", error=error.strerror)
        found = b""
    return found if len(found) == _KEY_BYTES else secrets.token_bytes(_KEY_BYTES)


def _make(path: Path) -> None:
    """Written aside and linked into place: another process sees the whole key or none."""
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    if path.exists():
        return
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
    try:
        os.link(aside, path)
    except FileExistsError:
        pass  # another process was quicker, and its key counts
    finally:
        aside.unlink()
