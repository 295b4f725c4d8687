"""What a receiver's answer to a spike event means, and when to ask it again. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from random import Random
from typing import Final

from lakehouse.backoff import backoff

# After so long a spike is no news.
LIFE: Final = timedelta(hours=24)
_FIRST_PAUSE_SECONDS: Final = 1.0
_MOST_PAUSE_SECONDS: Final = 60.0
_MOST_RETRY_AFTER_SECONDS: Final = 3600.0
_ALREADY_HANDLED: Final = "already_handled"
_UNDER_WAY: Final = "under_way"
# No answer; not found, as n8n says of a workflow that is not active yet; timeout, too early, too
# many requests.
_PASSING: Final = frozenset({0, 404, 408, 425, 429})


class Verdict(Enum):
    """What an attempt came to."""

    DELIVERED = "delivered"
    LATER = "later"
    REFUSED = "refused"


@dataclass(frozen=True)
class Answer:
    """`status` 0: none came. `code`: of a problem in JSON. `words`: for logs, without the address.

    `retry_after`: seconds that the receiver asks to wait, if it does.
    """

    status: int
    code: str = ""
    retry_after: float | None = None
    words: str = ""

    @property
    def verdict(self) -> Verdict:
        """Whether the receiver has the event, may have it later, or never will."""
        if 200 <= self.status < 300:
            return Verdict.DELIVERED
        if self.status == 409 and self.code == _ALREADY_HANDLED:
            return Verdict.DELIVERED
        if self.status in _PASSING or self.status >= 500:
            return Verdict.LATER
        if self.status == 409 and self.code == _UNDER_WAY:
            return Verdict.LATER
        return Verdict.REFUSED


def pause(answer: Answer, failures_before: int, rng: Random) -> float:
    """Seconds to the next attempt: what the receiver asked for, or a growing pause; jittered."""
    if answer.retry_after is None:
        return backoff(failures_before, _FIRST_PAUSE_SECONDS, _MOST_PAUSE_SECONDS, rng)
    asked = min(max(answer.retry_after, _FIRST_PAUSE_SECONDS), _MOST_RETRY_AFTER_SECONDS)
    return asked * rng.uniform(1.0, 1.1)
