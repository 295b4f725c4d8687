"""One producer put together: what runs beside what, and how it comes to an end."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from lakehouse.settings import Settings
from producer.desk import Desk
from producer.ledger import Ledger
from producer.logs import Log
from producer.metrics import Counters
from producer.positions import Positions
from producer.recalled import Recalled
from producer.sequencer import Patience, Sequencer
from producer.sink import Sink

TICK_SECONDS: Final = 0.01
_GAUGE_SECONDS: Final = 1.0
_FLUSH_SLICE: Final = 0.05


def micros_now() -> int:
    """The time in µs UTC."""
    return time.time_ns() // 1000


class Runtime:
    """Sequencer, ledger, positions and sink as one, driven by a tick."""

    def __init__(self, settings: Settings, sink: Sink, counters: Counters, log: Log) -> None:
        self._settings = settings
        self._sink = sink
        self._counters = counters
        self._log = log
        self.sequencer = Sequencer(Patience(hold=settings.repair_hold_seconds))
        self.ledger = Ledger(micros_now)
        self.desk = Desk(
            self.sequencer, self.ledger, sink, counters, log, settings.resume_max_trades
        )
        self.positions = Positions(settings, sink, self.sequencer.known, self.ledger, micros_now)
        self.last_tick = time.monotonic()
        self._acknowledged = 0
        self._progress_at = self.last_tick
        self._next_gauges = 0.0

    def resume(self, recalled: Recalled) -> None:
        """Begin where Kafka ends."""
        for symbol, known in recalled.symbols.items():
            self.sequencer.resume(symbol, known)
        # The highest first: the part that takes an old record's key goes last.
        for message in sorted(recalled.unrecorded, key=lambda gap: gap.from_id, reverse=True):
            self.ledger.record(message)
        for message in recalled.open_gaps:
            self.ledger.restore(message, recalled.there(message.symbol))
        self.positions.resume(recalled.offsets)

    async def tick_forever(self) -> None:
        """Tick every TICK_SECONDS; the sink's FirehoseError ends it."""
        while True:
            self.tick(time.monotonic())
            await asyncio.sleep(TICK_SECONDS)

    def unacknowledged_seconds(self, now: float) -> float:
        """For how long Kafka has acknowledged nothing of what waits for it; 0 where none does."""
        return max(0.0, now - self._progress_at) if self._counters.in_flight else 0.0

    def tick(self, now: float) -> None:
        """One round of everything that time drives."""
        self.last_tick = now
        self._sink.poll()
        acknowledged = self._counters.accepted - self._counters.in_flight
        if acknowledged != self._acknowledged or not self._counters.in_flight:
            self._acknowledged, self._progress_at = acknowledged, now
        self.desk.tick(now)
        if self.desk.sent_all:
            self.positions.tick(now)
        if now >= self._next_gauges:
            self._next_gauges = now + _GAUGE_SECONDS
            self._gauge()

    async def finish(self, seconds: float) -> None:
        """Bring to Kafka what was taken, within `seconds`; then say how far it came."""
        deadline = time.monotonic() + seconds
        self.desk.hurry(time.monotonic())
        await self._until(deadline, lambda: self.desk.idle and not self._counters.in_flight)
        self.ledger.checkpoint()
        self.desk.write_gaps()
        if self.desk.sent_all:
            self.positions.mark()
        await self._until(
            deadline,
            lambda: self.positions.idle and self.desk.idle and not self._counters.in_flight,
        )
        self._gauge()

    async def _until(self, deadline: float, done: Callable[[], bool]) -> None:
        while not done() and time.monotonic() < deadline:
            self.last_tick = time.monotonic()
            self.desk.tick(self.last_tick)
            self.positions.write()
            await asyncio.to_thread(self._sink.flush, _FLUSH_SLICE)

    def _gauge(self) -> None:
        counters = self._counters
        counters.missing_ids = self.sequencer.missing_ids
        counters.open_gaps = self.ledger.open_gaps
        counters.gaps_repaired = self.ledger.repaired
        counters.gaps_unrepairable = self.ledger.unrepairable


async def side_by_side(main: Awaitable[None], *others: Awaitable[None]) -> None:
    """Run all until `main` ends; the first failure of any ends all and is raised."""
    tasks = [asyncio.ensure_future(each) for each in (main, *others)]
    try:
        while not tasks[0].done():
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            tasks = [tasks[0], *(task for task in tasks[1:] if not task.done())]
        tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
