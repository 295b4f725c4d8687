"""Delivery of alerts to a webhook: in the background, patient for a while, never in the way."""

import http.client
import json
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Final

import stamina

from lakehouse.errors import SettingsError, UnreachableError
from lakehouse.values import Json

_TIMEOUT_SECONDS: Final = 10.0
_ATTEMPTS: Final = 8
_PATIENCE_SECONDS: Final = 300.0
_MOST_WAIT: Final = 60.0
_MOST_WAITING: Final = 100

Log = Callable[[str], None]


class Refused(Exception):
    """The webhook answered with another status than 2xx, or nothing answered (`status` 0).

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


def deliver(
    url: str, body: Json, attempts: int = _ATTEMPTS, seconds: float = _PATIENCE_SECONDS
) -> None:
    """Post one message; tries again with back-off, or when the server says. Raises Refused."""

    def again(error: Exception) -> bool | float:
        if not isinstance(error, Refused) or not error.passing:
            return False
        return True if error.retry_after is None else min(error.retry_after, _MOST_WAIT)

    @stamina.retry(
        on=again,
        attempts=attempts,
        timeout=seconds,
        wait_initial=0.5,
        wait_max=30.0,
        wait_jitter=0.5,
    )
    def try_once() -> None:
        post(url, body)

    try_once()


def post(url: str, body: Json) -> None:
    """One attempt; raises Refused."""
    data = json.dumps(body, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "firehose"}
    try:
        request = urllib.request.Request(url, data, headers)
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):
            return
    except urllib.error.HTTPError as error:
        after = _seconds(error.headers.get("Retry-After"))
        raise Refused(error.code, f"it answered {error.code}", after) from None
    except ValueError:  # its words would hold the address
        raise Refused(400, "ALERT_WEBHOOK_URL is no address") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        words = getattr(reason, "strerror", None) or type(reason).__name__
        raise Refused(0, f"it does not answer: {words}") from None


def send_test(url: str, body: Json) -> None:
    """Deliver now, with one attempt; SettingsError or UnreachableError tell what was wrong."""
    try:
        post(url, body)
    except Refused as error:
        kind = UnreachableError if error.passing else SettingsError
        raise kind(
            f"The webhook did not take the message: {error}.", "Check ALERT_WEBHOOK_URL."
        ) from None


class Messenger:
    """Delivers messages one by one from a thread of its own; bounded in number and time."""

    def __init__(self, url: str, log: Log, seconds: float = _PATIENCE_SECONDS) -> None:
        self._url = url
        self._log = log
        self._seconds = seconds
        self._waiting: queue.Queue[Json] = queue.Queue(_MOST_WAITING)
        threading.Thread(target=self._work, name="alerts", daemon=True).start()

    def send(self, body: Json) -> None:
        """Leave a message for delivery; told in the log where too many are waiting already."""
        try:
            self._waiting.put_nowait(body)
        except queue.Full:
            self._log("An alert is dropped: too many wait for the webhook.")

    def flush(self, seconds: float) -> bool:
        """Wait so long for what is left; whether all was delivered or given up."""
        deadline = time.monotonic() + seconds
        while self._waiting.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.05)
        return not self._waiting.unfinished_tasks

    def _work(self) -> None:
        while True:
            body = self._waiting.get()
            try:
                deliver(self._url, body, seconds=self._seconds)
            except Exception as error:  # whatever it is, the next message has its chance
                words = str(error) if isinstance(error, Refused) else type(error).__name__
                self._log(f"An alert could not be delivered to ALERT_WEBHOOK_URL: {words}.")
            finally:
                self._waiting.task_done()


def _seconds(retry_after: str | None) -> float | None:
    """The wait that the server asked for; None where it is no number of seconds (or a date)."""
    if retry_after is None or not retry_after.strip().isdecimal():
        return None
    return float(retry_after)
