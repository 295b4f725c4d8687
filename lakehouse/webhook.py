"""Delivery of alerts to a webhook: in the background, patient for a while, never in the way."""

import queue
import threading
import time
from collections.abc import Callable
from typing import Final

from lakehouse.errors import SettingsError, UnreachableError
from lakehouse.http_post import PATIENCE_SECONDS, Refused, Target, deliver, post
from lakehouse.values import Json

_SETTING: Final = "ALERT_WEBHOOK_URL"
_MOST_WAITING: Final = 100

Log = Callable[[str], None]


def send_test(url: str, body: Json) -> None:
    """Deliver now, with one attempt; SettingsError or UnreachableError tell what was wrong."""
    try:
        post(Target(url, _SETTING), body)
    except Refused as error:
        kind = UnreachableError if error.passing else SettingsError
        raise kind(
            f"The webhook did not take the message: {error}.", f"Check {_SETTING}."
        ) from None


class Messenger:
    """Delivers messages one by one from a thread of its own; bounded in number and time."""

    def __init__(self, url: str, log: Log, seconds: float = PATIENCE_SECONDS) -> None:
        self._target = Target(url, _SETTING)
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
                deliver(self._target, body, seconds=self._seconds)
            except Exception as error:  # whatever it is, the next message has its chance
                words = str(error) if isinstance(error, Refused) else type(error).__name__
                self._log(f"An alert could not be delivered to {_SETTING}: {words}.")
            finally:
                self._waiting.task_done()
