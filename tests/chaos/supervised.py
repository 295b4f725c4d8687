"""A service that is started again whenever it ends, as systemd or Compose do (restart: always)."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

import psutil

_POLL_SECONDS: Final = 0.3
_RESTART_SECONDS: Final = 1.0


class Life(Protocol):
    """One process under supervision, with what it started."""

    @property
    def pid(self) -> int:
        """Of the command itself."""

    @property
    def alive(self) -> bool:
        """Whether it runs."""

    @property
    def returncode(self) -> int | None:
        """How it ended."""


class Service:
    """Started by `start`, which returns when it is up, and again at each end; hit from outside."""

    def __init__(self, name: str, start: Callable[[], Life]) -> None:
        self.name = name
        self.codes: Counter[int | str] = Counter()
        self.lives = 0
        self._start = start
        self._life: Life | None = None
        self._wanted = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._supervise, daemon=True)

    def begin(self) -> None:
        """Start it, wait until it is up, and supervise it from then on; errors are raised."""
        self._bear()
        self._wanted.set()
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it runs at this moment."""
        return self._life is not None and self._life.alive

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._life.pid if self._life is not None and self._life.alive else None

    def send(self, number: signal.Signals, only: str = "") -> bool:
        """Signal it and all that it started, or `only` processes of a name; False: none there."""
        found = [each for each in self._family() if not only or each.name() == only]
        for each in found:
            with suppress(psutil.Error):
                each.send_signal(number)
        return bool(found)

    def tell(self, number: signal.Signals) -> bool:
        """Signal the command alone."""
        found = self._family()[:1]
        for each in found:
            with suppress(psutil.Error):
                each.send_signal(number)
        return bool(found)

    def retire(self, number: signal.Signals, seconds: float) -> int | None:
        """Not started again any more; it is told by a signal to end; its exit code."""
        self._wanted.clear()
        self._over.set()
        self._thread.join()
        self.send(signal.SIGCONT)
        self.tell(number)
        deadline = time.monotonic() + seconds
        while self.alive and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return self._life.returncode if self._life is not None and not self.alive else None

    def end(self) -> None:
        """End it for good, whatever state it is in."""
        self._wanted.clear()
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(120)
        self.send(signal.SIGKILL)

    def _family(self) -> list[psutil.Process]:
        """The process and all below it; empty where it does not run."""
        pid = self.pid
        with suppress(psutil.Error):
            if pid is not None:
                head = psutil.Process(pid)
                return [head, *head.children(recursive=True)]
        return []

    def _supervise(self) -> None:
        while not self._over.wait(_POLL_SECONDS):
            if self._life is not None and not self._life.alive:
                self.codes[self._life.returncode or 0] += 1
                self._over.wait(_RESTART_SECONDS)
                self._bear_again()

    def _bear_again(self) -> None:
        while not self._over.is_set():
            try:
                self._bear()
                return
            except Exception as error:  # a full disk, a port not free yet: tried again for ever
                self.codes[type(error).__name__] += 1
                self._over.wait(_RESTART_SECONDS)

    def _bear(self) -> None:
        self.lives += 1
        self._life = self._start()
