"""A producer's vitals that a test sets, and its HTTP served in the test's own loop."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from producer.health import ShardState
from producer.metrics import Counters
from producer.operations import Operations
from producer.sequencer import Gap


@dataclass
class FakeVitals:
    """All is well until a test says otherwise."""

    ticked: float = field(default_factory=time.monotonic)
    lines: Sequence[ShardState] = (ShardState(1024, True, 3.0), ShardState(7, True, 1.5))
    waiting: float = 0.25
    banned: float = 0.0
    dead: Sequence[str] = ()
    ids: Mapping[str, int] = field(default_factory=lambda: {"BTCUSDT": 17, "ETHUSDT": 4})
    gaps: Sequence[Gap] = ()

    def last_tick(self) -> float:
        return self.ticked

    def shards(self) -> Sequence[ShardState]:
        return self.lines

    def unacknowledged_seconds(self) -> float:
        return self.waiting

    def banned_seconds(self) -> float:
        return self.banned

    def dead_streams(self) -> Sequence[str]:
        return self.dead

    def last_ids(self) -> Mapping[str, int]:
        return self.ids

    def open_gaps(self) -> Sequence[Gap]:
        return self.gaps


@asynccontextmanager
async def operating(counters: Counters | None = None) -> AsyncIterator[tuple[Operations, str]]:
    """The server as a producer starts it, and its address."""
    operations = Operations(counters or Counters(("BTCUSDT", "ETHUSDT")))
    port = await operations.start(0)
    try:
        yield operations, f"http://127.0.0.1:{port}"
    finally:
        await operations.stop()
