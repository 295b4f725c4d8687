"""The exchange's limits: request weight per minute, and events per sliding window. Pure."""

from collections import deque
from typing import Final, NamedTuple

_MINUTE_S: Final = 60
_PATIENCE: Final = 5


class Verdict(NamedTuple):
    """The status to answer with (200, 429, 418), the weight used, seconds to wait."""

    status: int
    used: int
    retry_after: int


class WeightMeter:
    """Weight used in each clock minute; 429 beyond the limit, 418 for who goes on regardless."""

    def __init__(self, limit: int = 6000, ban_seconds: int = 120) -> None:
        self.limit = limit
        self.ban_seconds = ban_seconds
        self._minute = -1
        self._used = 0
        self._refused = 0
        self._banned_until = 0.0

    def charge(self, weight: int, now: float) -> Verdict:
        """One request of this weight; `now` in seconds since the epoch."""
        self._turn(int(now // _MINUTE_S))
        if now < self._banned_until:
            return Verdict(418, self._used, self._wait(self._banned_until, now))
        self._used += weight
        if self._used <= self.limit:
            return Verdict(200, self._used, 0)
        return self._refuse(now)

    def _turn(self, minute: int) -> None:
        if minute != self._minute:
            self._minute, self._used, self._refused = minute, 0, 0

    def _refuse(self, now: float) -> Verdict:
        self._refused += 1
        if self._refused > _PATIENCE:
            self._banned_until = now + self.ban_seconds
            return Verdict(418, self._used, self.ban_seconds)
        return Verdict(429, self._used, self._wait((self._minute + 1) * _MINUTE_S, now))

    @staticmethod
    def _wait(until: float, now: float) -> int:
        return max(1, int(until - now + 0.999))


class SlidingWindow:
    """At most `limit` events in any `seconds`."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._events: deque[float] = deque()

    def admit(self, now: float) -> bool:
        """Note an event; False where it is one too many."""
        while self._events and self._events[0] <= now - self._seconds:
            self._events.popleft()
        self._events.append(now)
        return len(self._events) <= self._limit
