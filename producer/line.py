"""One connection from its opening to its end: reads, and hands over what it read.

It runs as a task of its own and leaves notes (`opened_at`, `trades`, `heard`, `shutdown`) that
the fleet looks at in its own time.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing, contextmanager
from typing import Final

from lakehouse.trade import Trade
from producer.connection import Batch, Connection, ConnectionLostError
from producer.intake import Intake
from producer.metrics import Counters
from producer.protocol import Control, Outcome, Session
from producer.watchdog import LineWatch

# Others run between slices: the desk's clock and the acknowledgements don't wait for a flood.
_SLICE: Final = 1024
_HOLD_SECONDS: Final = 0.005

Opener = Callable[[str], AbstractAsyncContextManager[Connection]]


class Gate:
    """Whether somebody is held back since the intake has no room, and for how long in all."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._held = 0
        self._since = 0.0

    @property
    def closed(self) -> bool:
        """Whether anybody waits for room now."""
        return self._held > 0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Somebody waits."""
        if not self._held:
            self._since = time.monotonic()
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if not self._held:
                self._counters.backpressure_seconds += time.monotonic() - self._since


class Line:
    """Call `start` once; `task` ends when the connection has ended and all of it is handed over.

    `lost` then says why. Whatever else the task raises is an error that ends the producer.
    """

    def __init__(
        self, number: int, why: str, session: Session, before: LineWatch | None, silence: float
    ) -> None:
        """`before` watched the connection before this one; `silence` as in lifeline.Policy."""
        self.number = number
        self.why = why
        self.session = session
        self.opened_at: float | None = None
        self.announced = False
        self.closing = ""
        self.trades = 0
        self.heard: set[str] = set()
        self.shutdown = False
        self.source = ""
        self.lost = ConnectionLostError("the connection ended")
        self.task: asyncio.Task[None] | None = None
        self._before = before
        self._silence = silence
        self._connection: Connection | None = None
        self._goodbye: asyncio.Task[None] | None = None

    def start(self, opener: Opener, intake: Intake, counters: Counters, gate: Gate) -> None:
        """Connect and read until the end."""
        self.task = asyncio.create_task(self._run(opener, intake, counters, gate))

    def send(self, text: str) -> None:
        """Send a message to the exchange."""
        if self._connection is not None:
            self._connection.send(text)

    def close(self, reason: str) -> None:
        """End the connection; what it has received already is still handed over."""
        if self.closing or self.task is None:
            return
        self.closing = reason
        if self._connection is None:
            self.task.cancel()
        else:
            self._goodbye = asyncio.create_task(self._connection.close())

    async def _run(self, opener: Opener, intake: Intake, counters: Counters, gate: Gate) -> None:
        try:
            async with opener(self.session.url) as connection:
                self._stands(connection)
                async with aclosing(connection.batches()) as batches:
                    async for batch in batches:
                        await self._take(batch, intake, counters, gate)
        except ConnectionLostError as lost:
            self.lost = lost
        finally:
            if self._goodbye is not None:
                await self._goodbye
            self._connection = None

    def _stands(self, connection: Connection) -> None:
        self._connection = connection
        self.opened_at = time.monotonic()
        watch = LineWatch(self.opened_at, self._before, self._silence)
        self.source = connection.source
        self.session.opened(watch, connection.source)

    async def _take(self, batch: Batch, intake: Intake, counters: Counters, gate: Gate) -> None:
        frames = batch.frames
        for begin in range(0, len(frames), _SLICE):
            if begin:
                await asyncio.sleep(0)
            rest = iter(frames[begin : begin + _SLICE])
            while refused := self._hand_over(rest, batch.ingest_time, intake, counters):
                await _hold_back(refused, intake, gate)

    def _hand_over(
        self, frames: Iterator[bytes], ingest_time: int, intake: Intake, counters: Counters
    ) -> Outcome | None:
        """Runs once for every frame; the outcome for which there was no room, if any."""
        receive, offer, heard = self.session.receive, intake.offer, self.heard.add
        taken = others = 0
        try:
            for raw in frames:
                taken += 1
                outcome = receive(raw, ingest_time)
                if type(outcome) is Trade:
                    heard(outcome.symbol)
                else:
                    others += 1
                    self._note(outcome)
                if not offer(outcome):
                    return outcome
            return None
        finally:
            counters.frames_received += taken
            self.trades += taken - others

    def _note(self, outcome: Outcome) -> None:
        if isinstance(outcome, Control) and outcome.kind == "shutdown":
            self.shutdown = True


async def _hold_back(outcome: Outcome, intake: Intake, gate: Gate) -> None:
    """Don't read on until there is room for this one."""
    with gate.waiting():
        while not intake.offer(outcome):  # noqa: ASYNC110 - room has no event
            await asyncio.sleep(_HOLD_SECONDS)
