"""How much may be asked of the exchange: its weight per minute, its refusals and its bans. Pure.

Times called `now` are seconds of a monotonic clock. A request goes when `wait` says 0; whatever
the calls, no 60 seconds hold more than `per_minute`, and who waits as told gets a turn. (A single
request above `per_minute` is the exception: it goes alone.)
"""

from typing import Final

WINDOW_SECONDS: Final = 60.0
RATE_LIMITED: Final = "rate_limited"
BANNED: Final = "banned"
# Room for an exchangeInfo and some pages at once; what is left of the minute comes evenly, so
# that a small repair never waits for a large one to have used up the minute.
_LEAST_BURST: Final = 40.0
_BURST_SHARE: Final = 0.1
# Rounding must not make a caller wait a picosecond more, again and again.
_GRAIN: Final = 1e-6
# A lower figure of the same minute is an answer that was overtaken by another.
_SAME_MINUTE: Final = 5.0


class WeightBudget:
    """A token bucket, corrected by what the exchange says has been used by this address."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self.paused_seconds = 0.0
        self._burst = min(max(per_minute * _BURST_SHARE, _LEAST_BURST), per_minute / 2)
        self._rate = (per_minute - self._burst) / WINDOW_SECONDS
        self._level = self._burst
        self._level_at: float | None = None
        self._booked_at = float("-inf")
        self._told, self._told_until = 0, float("-inf")
        self._paused_until, self._reason = float("-inf"), ""

    def wait(self, weight: int, now: float) -> float:
        """Seconds until a request of this weight may go; 0: it may, and it is booked."""
        seconds = self.room(weight, now)
        if seconds == 0:
            self._level -= weight
            self._told += weight
            self._booked_at = now
        return seconds

    def room(self, weight: int, now: float) -> float:
        """As `wait`, but nothing is booked."""
        self._refill(now)
        return max(
            0.0, self._paused_until - now, self._own_wait(weight, now), self._told_wait(weight, now)
        )

    def used(self, weight_1m: int, now: float, lasts: float = WINDOW_SECONDS) -> None:
        """The exchange says what its minute, over in `lasts` seconds, has seen of this address.

        Others may share the address: where its figure is above ours, it holds.
        """
        until = now + lasts
        over = now >= self._told_until or until > self._told_until + _SAME_MINUTE
        if over or weight_1m >= self._told:
            self._told, self._told_until = weight_1m, until

    def pause(self, seconds: float, now: float, reason: str) -> None:
        """Nothing goes for so long; a pause that lasts longer already stays."""
        until = now + seconds
        if until > self._paused_until:
            self.paused_seconds += until - max(self._paused_until, now)
            self._paused_until, self._reason = until, reason

    def paused(self, now: float) -> str:
        """Why nothing may go: `rate_limited`, `banned`; empty where it may."""
        return self._reason if now < self._paused_until else ""

    def used_weight(self, now: float) -> int:
        """What the exchange's minute has seen, as far as it was told, and what was booked since."""
        return self._told if now < self._told_until else 0

    def _refill(self, now: float) -> None:
        if self._level_at is not None:
            gained = max(0.0, now - self._level_at) * self._rate
            self._level = min(self._burst, self._level + gained)
        self._level_at = now

    def _own_wait(self, weight: int, now: float) -> float:
        wanted = min(weight, self._burst)
        seconds = 0.0
        if self._level + _GRAIN < wanted:
            seconds = (wanted - self._level) / self._rate
        if weight > self._burst:  # it takes more than is ever saved up: it goes alone
            seconds = max(seconds, self._booked_at + WINDOW_SECONDS - now)
        return seconds

    def _told_wait(self, weight: int, now: float) -> float:
        if now >= self._told_until or self._told == 0 or self._told + weight <= self.per_minute:
            return 0.0
        return self._told_until - now
