"""The exchange itself: takes frames from its source at the right time and gives them to all."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Final

from lakehouse.errors import FirehoseError
from producer.simulator.faults import FaultSet, Feed
from producer.simulator.frames import Frame
from producer.simulator.link import Link
from producer.simulator.pacing import Pace
from producer.simulator.sources import Source

# About 120 kB a write: large enough that the cost per frame is small, small enough that one
# batch does not overrun a client at speed 0.
BATCH: Final = 512
# Nobody takes frames, or the next is far off: look again at least this often.
_LONGEST_SLEEP_S: Final = 0.5


class Exchange:
    """Emits nothing before the first client has subscribed to something; then it goes on."""

    def __init__(self, source: Source, faults: FaultSet, speed: float) -> None:
        self.source = source
        self.faults = faults
        self.feed = Feed(faults)
        self.finished = False
        self.failure: FirehoseError | None = None
        self.recorded_garbage = 0
        self._links: set[Link] = set()
        self._sent_before = 0
        self._garbage_before = 0
        self._pace = Pace(speed)
        self._heard = asyncio.Event()
        self._wake = asyncio.Event()
        self._time = 0

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._links)

    @property
    def frames_sent(self) -> int:
        """Frames written, summed over all connections there were."""
        return self._sent_before + sum(link.sent for link in self._links)

    @property
    def garbage_sent(self) -> int:
        """Unreadable frames written, recorded ones too, summed over all connections."""
        return self._garbage_before + sum(link.garbage_sent for link in self._links)

    def now(self) -> int:
        """The exchange's time, µs UTC; the machine's before anything was emitted."""
        return self._time or _machine()

    def attach(self, link: Link) -> None:
        """A client has connected."""
        self._links.add(link)
        self.subscribed(link)

    def subscribed(self, link: Link) -> None:
        """A client's subscriptions have changed."""
        if link.subscriptions.streams:
            self._heard.set()
        self._wake.set()

    def detach(self, link: Link) -> None:
        """A client has gone."""
        self._links.discard(link)
        self._sent_before += link.sent
        self._garbage_before += link.garbage_sent
        self._wake.set()

    async def run(self) -> None:
        """Emit everything the source has; a source that breaks is kept in `failure`."""
        await self._heard.wait()
        now = _machine()
        self._pace.start(now, self.source.begin(now))
        try:
            while await self._turn():
                pass
        except FirehoseError as error:
            self.failure = error
            return
        await self._flush()

    async def _turn(self) -> bool:
        due = self._next_due()
        if due is None:
            return False
        horizon = self._pace.horizon(_machine(), due, self._taken())
        if horizon is not None and due > horizon:
            self._time = horizon
            await self._sleep(self._pace.wait(horizon, due))
            return True
        frames = self.source.take(BATCH, horizon)
        self._time = horizon or max(self._time, frames[-1].due if frames else due)
        self.recorded_garbage += sum(not frame.readable for frame in frames)
        await self._deliver([*self.feed.apply(frames), *self._released(horizon)])
        return True

    def _released(self, horizon: int | None) -> list[Frame]:
        """Frames held back until now; none overtakes a frame that is due before it."""
        due = self.source.next_due()
        if due is None:
            return self.feed.release(horizon)
        return [] if horizon is None else self.feed.release(min(horizon, due - 1))

    def _next_due(self) -> int | None:
        dues = [due for due in (self.source.next_due(), self.feed.next_due()) if due is not None]
        return min(dues, default=None)

    def _taken(self) -> bool:
        return any(link.taking for link in self._links)

    async def _deliver(self, frames: Sequence[Frame]) -> None:
        links = list(self._links)
        for link in links:
            link.offer(frames)
        # Said before anything is awaited: a client that has read the last frame finds it true.
        self.finished = self._next_due() is None
        if self._pace.speed:
            for link in links:
                link.cut_if_too_slow()
        else:
            await asyncio.gather(*(link.drain() for link in links))
        # A batch without waiting must not keep pings and REST from being answered.
        await asyncio.sleep(0)

    async def _sleep(self, seconds: float) -> None:
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, _LONGEST_SLEEP_S)):
                await self._wake.wait()

    async def _flush(self) -> None:
        await self._deliver(self.feed.release(None))
        await asyncio.gather(*(link.drain() for link in self._links))


def _machine() -> int:
    return time.time_ns() // 1000
