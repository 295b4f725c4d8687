"""Asking a running producer over its HTTP: docs/producer.md#operations."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import psutil

from lakehouse.errors import FirehoseError, SettingsError, StackError, UnreachableError
from lakehouse.pipeline.direct import OPENER
from lakehouse.settings import Settings

# The producer may ask the exchange before it answers, for 20 s at most.
_SECONDS: Final = 30.0
_MAX_BYTES: Final = 16 * 1024 * 1024
_START: Final = "Start it with `firehose run`, or name the address of another one with --url."


@dataclass(frozen=True)
class ProducerControl:
    """A producer at `url`. UnreachableError where it does not answer."""

    url: str

    @classmethod
    def find(cls, settings: Settings, url: str | None = None) -> "ProducerControl":
        """The one at `url`, else that of the data folder, else at PRODUCER_METRICS_PORT."""
        if url is not None:
            if not url.startswith(("http://", "https://")):
                raise SettingsError(f"{url} is no address.", "Write --url http://127.0.0.1:PORT.")
            return cls(url.rstrip("/"))
        port = _port_of(settings) or settings.producer_metrics_port
        if not port:
            raise UnreachableError(f"No producer runs in {settings.data_path}.", _START)
        return cls(f"http://127.0.0.1:{port}")

    def symbols(self) -> dict[str, Any]:
        """`symbols`, `setting`, `added`, `removed`, `kept_over_restarts`."""
        return self._ask("/symbols")

    def change(self, add: Sequence[str], remove: Sequence[str]) -> dict[str, Any]:
        """As `symbols`, after the change; SettingsError says what the producer refused."""
        return self._ask("/symbols", {"add": list(add), "remove": list(remove)})

    def status(self) -> dict[str, Any]:
        """Run, shards, last ids, open gaps, …"""
        return self._ask("/status")

    def _ask(self, path: str, body: object = None) -> dict[str, Any]:
        raw = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, raw, headers)
        try:
            with OPENER.open(request, timeout=_SECONDS) as answer:
                found = json.loads(answer.read(_MAX_BYTES))
        except urllib.error.HTTPError as error:
            raise self._refusal(error) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise UnreachableError(
                f"No producer answers at {self.url}: {reason}.", _START
            ) from None
        if not isinstance(found, dict) or "symbols" not in found:
            raise self._stranger()
        return found

    def _refusal(self, error: urllib.error.HTTPError) -> FirehoseError:
        try:
            told = json.loads(error.read(_MAX_BYTES))
            message, hint = str(told["error"]), str(told["hint"])
        except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
            return self._stranger()
        if error.code < 500:
            return SettingsError(message, hint)
        return (UnreachableError if error.code == 503 else StackError)(message, hint)

    def _stranger(self) -> UnreachableError:
        return UnreachableError(f"What answers at {self.url} is no producer.", _START)


def _port_of(settings: Settings) -> int | None:
    """The port in the ready file of `firehose run`, if the process that wrote it lives."""
    try:
        found = json.loads((settings.data_path / "run" / "producer.json").read_bytes())
        port, pid = int(found["metrics_port"]), int(found["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return port if psutil.pid_exists(pid) else None
