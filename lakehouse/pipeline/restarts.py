"""Whether a part that ended is started again, and when. Pure; times are monotonic seconds."""

from dataclasses import dataclass
from typing import Final

from lakehouse.errors import (
    FirehoseError,
    MissingToolError,
    RejectLimitError,
    ResourceError,
    SettingsError,
    StreamError,
    UnreachableError,
)

FIRST_SECONDS: Final = 2.0
MOST_SECONDS: Final = 60.0
# So many starts in a row that come to nothing are enough.
MOST_FRUITLESS: Final = 3
# A part that ran so long has got over what ended it before: its pauses begin anew.
STABLE_SECONDS: Final = 600.0
# A new start would only repeat these.
_FINAL: Final = (SettingsError, MissingToolError, ResourceError, RejectLimitError, StreamError)


@dataclass
class Restarts:
    """The starts of one part.

    `count`: new starts since it last ran well; `fruitless`: those since it was last ready;
    `ever_ready`: whether it was ready in any of them.
    """

    started_at: float
    count: int = 0
    fruitless: int = 0
    ever_ready: bool = False

    def ended(self, now: float, kind: type[FirehoseError], ready: bool) -> float | None:
        """The pause before the next start, in seconds; None where there is to be none.

        `kind` is what it ended with, `ready` whether it had become ready since its start. A part
        that works is never given up for a number alone, nor is one that waits for a server.
        """
        ran_well = now - self.started_at > STABLE_SECONDS
        self.ever_ready |= ready
        self.fruitless = 0 if ready or ran_well else self.fruitless
        self.count = 0 if ran_well else self.count
        waits = self.ever_ready and issubclass(kind, UnreachableError)
        if issubclass(kind, _FINAL) or (self.fruitless >= MOST_FRUITLESS and not waits):
            return None
        return min(FIRST_SECONDS * 2.0 ** min(self.count, 10), MOST_SECONDS)

    def started(self, now: float) -> None:
        """The part was started once more."""
        self.started_at = now
        self.count += 1
        self.fruitless += 1
