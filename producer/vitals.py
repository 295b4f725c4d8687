"""How the running parts say how they are; what health and status are made of."""

import time
from collections.abc import Mapping, Sequence

from producer.budget import WeightBudget
from producer.desk import BEYOND_LIMIT
from producer.fleet import Fleet
from producer.health import ShardState
from producer.runtime import Runtime
from producer.sequencer import Gap


class PartVitals:
    """The Vitals of one producer."""

    def __init__(self, runtime: Runtime, fleet: Fleet, budget: WeightBudget) -> None:
        self._runtime = runtime
        self._fleet = fleet
        self._budget = budget

    def last_tick(self) -> float:
        """See Vitals."""
        return self._runtime.last_tick

    def shards(self) -> Sequence[ShardState]:
        """See Vitals."""
        return self._fleet.states()

    def unacknowledged_seconds(self) -> float:
        """See Vitals; the time without any acknowledgement while some are wanted."""
        return self._runtime.unacknowledged_seconds(time.monotonic())

    def banned_seconds(self) -> float:
        """See Vitals."""
        now = time.monotonic()
        return self._budget.room(0, now) if self._budget.paused(now) else 0.0

    def dead_streams(self) -> Sequence[str]:
        """See Vitals."""
        return self._fleet.dead_streams()

    def last_ids(self) -> Mapping[str, int]:
        """See Vitals."""
        return {symbol: last for symbol, (_, last) in self._runtime.sequencer.known().items()}

    def open_gaps(self) -> Sequence[Gap]:
        """See Vitals."""
        return [
            Gap(entry.symbol, entry.from_id, entry.to_id)
            for entry in self._runtime.ledger.entries()
            if entry.reason != BEYOND_LIMIT
        ]
