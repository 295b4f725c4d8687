"""When a stream that failed is started again, and when no more. Pure.

Times are seconds of a monotonic clock.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

from lakehouse.backoff import backoff

FIRST_SECONDS: Final = 1.0
MOST_SECONDS: Final = 30.0
# A stream that only fails for so long is not going to mend itself.
PATIENCE_SECONDS: Final = 600.0
# One that has nothing to do finishes no batch: to run so long without a fault counts as well.
WELL_SECONDS: Final = 120.0


@dataclass
class Recovery:
    """The faults of one stream since it last did well."""

    failures: int = 0
    _since: float = 0.0

    def failed(
        self, now: float, started_at: float, finished_at: float | None, rng: Random
    ) -> float | None:
        """Seconds until the next start; None where it has failed for PATIENCE_SECONDS.

        `started_at`: its last start; `finished_at`: its last finished batch, None before the first.
        """
        if self.did_well(now, started_at, finished_at):
            self.failures = 0
        if self.failures == 0:
            self._since = now
        elif now - self._since >= PATIENCE_SECONDS:
            return None
        self.failures += 1
        return backoff(self.failures - 1, FIRST_SECONDS, MOST_SECONDS, rng)

    def did_well(self, now: float, started_at: float, finished_at: float | None) -> bool:
        """Whether the stream has got over what made it fail before."""
        finished = finished_at is not None and finished_at >= started_at
        return finished or now - started_at >= WELL_SECONDS
