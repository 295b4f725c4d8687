"""The life of one shard's connection: when to open one, when to close which. Pure.

Make before break: to rotate, a second connection is opened beside the first, and the first is
closed only when the second has brought trades. At most two stand at a time. Times are seconds of
a monotonic clock.
"""

from collections import deque
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from lakehouse.backoff import backoff


@dataclass(frozen=True)
class Policy:
    """How soon to try again and how long to wait for what; all times in seconds.

    The exchange allows 300 connection attempts in 5 minutes per address: `most_connects` in
    `window` keeps a margin, however often connections that work are cut. Attempts of several
    shards are `spacing` apart. `silence` and `symbol_silence` are for watchdog.py: the longest of
    a connection and the shortest of a symbol.
    """

    rotate_after: float = 82_800.0
    jitter: float = 0.05
    overlap: float = 30.0
    first_backoff: float = 0.25
    most_backoff: float = 60.0
    most_connects: int = 250
    window: float = 300.0
    spacing: float = 0.1
    silence: float = 30.0
    symbol_silence: float = 10.0


class ConnectBudget:
    """Connection attempts of all shards together."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._connects: deque[float] = deque(maxlen=policy.most_connects)

    def take(self, now: float) -> bool:
        """Whether an attempt may be made now; it then counts."""
        connects, policy = self._connects, self._policy
        if connects and now - connects[-1] < policy.spacing:
            return False
        if len(connects) == policy.most_connects and now - connects[0] < policy.window:
            return False
        connects.append(now)
        return True


class Open(NamedTuple):
    """Open a connection, known by this number from now on; `why` for the log."""

    line: int
    why: str


class Close(NamedTuple):
    """Close this connection; `rotated`: another one has taken its place."""

    line: int
    reason: str
    rotated: bool


class _Line:
    def __init__(self, number: int) -> None:
        self.number = number
        self.opened_at: float | None = None
        self.rotate_at = float("inf")
        self.heard_at: float | None = None
        self.doomed = ""


class Lifeline:
    """Decides for one shard; the driver carries out and reports."""

    def __init__(self, policy: Policy, budget: ConnectBudget, rng: Random) -> None:
        self._policy = policy
        self._budget = budget
        self._rng = rng
        self._current: _Line | None = None
        self._next: _Line | None = None
        self._number = 0
        self._failures = 0
        self._retry_at = float("-inf")
        self.retry_seconds = 0.0

    @property
    def connected(self) -> bool:
        """Whether a connection stands that trades come by."""
        return self._current is not None and self._current.opened_at is not None

    @property
    def rotating(self) -> bool:
        """Whether a second connection is wanted or there."""
        return self.connected and self._next is not None

    def step(self, now: float, settled: bool = True) -> Open | Close | None:
        """What to do now; `settled`: the newest connection is subscribed to everything."""
        if self._next is None:
            why = self._why_open(now)
            return self._open(now, why) if why else None
        return self._hand_over(self._next, now, settled)

    def opened(self, line: int, now: float) -> None:
        """This connection stands."""
        for one in self._lines():
            if one.number == line:
                spread = self._policy.jitter
                life = self._policy.rotate_after * self._rng.uniform(1 - spread, 1 + spread)
                one.opened_at, one.rotate_at = now, now + life
        if self._current is None and self._next is not None and self._next.number == line:
            self._current, self._next = self._next, None

    def heard(self, line: int, now: float) -> None:
        """This connection has brought trades."""
        if line == self._number:
            # An old connection that works says nothing about new ones that can't be had.
            self._failures = 0
        for one in self._lines():
            if one.number == line:
                one.heard_at = now

    def replace(self, line: int, reason: str) -> None:
        """This connection works, but not for long or not for all: another one is wanted."""
        for one in self._lines():
            if one.number == line:
                one.doomed = reason

    def replace_current(self, reason: str) -> None:
        """As `replace`, whichever connection the shard has."""
        if self._current is not None:
            self._current.doomed = reason

    def ended(self, line: int, now: float) -> bool:
        """This connection is gone or never stood; whether that was not asked for."""
        if self._next is not None and self._next.number == line:
            self._next = None
        elif self._current is not None and self._current.number == line:
            self._current = None
            self._promote_if_open()
        else:
            return False
        self._back_off(now)
        return True

    def _lines(self) -> list[_Line]:
        return [line for line in (self._current, self._next) if line is not None]

    def _why_open(self, now: float) -> str:
        if now < self._retry_at:
            return ""
        if self._current is None:
            return "no connection"
        if self._current.doomed:
            return self._current.doomed
        return "rotation" if now >= self._current.rotate_at else ""

    def _open(self, now: float, why: str) -> Open | None:
        if not self._budget.take(now):
            return None
        self._number += 1
        self._next = _Line(self._number)
        return Open(self._number, why)

    def _hand_over(self, new: _Line, now: float, settled: bool) -> Close | None:
        old = self._current
        if old is None or new.opened_at is None:
            return None
        if new.heard_at is not None and settled:
            return self._promote(old, new, "the new connection brings trades")
        if now - new.opened_at < self._policy.overlap:
            return None
        if new.heard_at is None and old.heard_at is not None and old.heard_at > new.opened_at:
            # Trades came, but not here: it is the new connection that is no good.
            self._next = None
            self._back_off(now)
            return Close(new.number, "a new connection that brings nothing", False)
        return self._promote(old, new, "the new connection stands, and the market is quiet")

    def _promote(self, old: _Line, new: _Line, reason: str) -> Close:
        self._current, self._next = new, None
        return Close(old.number, reason, True)

    def _promote_if_open(self) -> None:
        if self._next is not None and self._next.opened_at is not None:
            self._current, self._next = self._next, None

    def _back_off(self, now: float) -> None:
        policy = self._policy
        self.retry_seconds = backoff(
            self._failures, policy.first_backoff, policy.most_backoff, self._rng
        )
        self._failures += 1
        self._retry_at = now + self.retry_seconds
