"""The driver: brings frames from the connection through the session into the sink.

It owns the clocks and the waiting; what to do is the session's, what to keep is the sink's.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Final

from producer.connection import Connection, ConnectionLostError, open_connection
from producer.intake import Intake
from producer.logs import Limit, Log
from producer.metrics import Counters
from producer.protocol import Backoff, Connect, Control, Outcome, Session

TICK_SECONDS: Final = 0.02
STOP_SECONDS: Final = 2.0
_HOLD_SECONDS: Final = 0.005
_LOG_SECONDS: Final = 1.0

Opener = Callable[[str], AbstractAsyncContextManager[Connection]]


class Pump:
    """Runs one session until it is stopped or the sink fails."""

    def __init__(
        self,
        session: Session,
        intake: Intake,
        counters: Counters,
        log: Log,
        opener: Opener = open_connection,
    ) -> None:
        self._session = session
        self._intake = intake
        self._counters = counters
        self._log = log
        self._open = opener
        self._limit = Limit(_LOG_SECONDS)
        self._connection: Connection | None = None
        self._closing: asyncio.Task[None] | None = None
        self._opened_before = False
        self._held_back = False
        self._stopping = False

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop` is set; the sink's FirehoseError ends it too.

        On stop the frames already received are still handed to the sink, for STOP_SECONDS at
        most; the caller flushes.
        """
        reader = asyncio.create_task(self._read())
        stop_by = float("inf")
        try:
            while not reader.done():
                await asyncio.wait({reader}, timeout=TICK_SECONDS)
                now = time.monotonic()
                self._tick(now)
                if stop.is_set():
                    stop_by = min(stop_by, now + STOP_SECONDS)
                    self._stop(reader, now > stop_by)
            if not reader.cancelled():
                reader.result()
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    def _tick(self, now: float) -> None:
        if self._held_back:
            self._session.excuse(now)
        close = self._session.tick(now)
        if close is not None:
            self._close(close.reason)

    def _stop(self, reader: "asyncio.Task[None]", too_late: bool) -> None:
        self._stopping = True
        if self._connection is None or too_late:
            reader.cancel()
        else:
            self._close("stopped")

    async def _read(self) -> None:
        while not self._stopping:
            step = self._session.begin(time.monotonic())
            if isinstance(step, Connect):
                step = await self._visit(step.url)
            if not self._stopping:
                await asyncio.sleep(step.seconds)

    async def _visit(self, url: str) -> Backoff:
        """One connection from beginning to end; how long to wait after it."""
        lost = ConnectionLostError("the connection ended")
        try:
            async with self._open(url) as connection:
                self._opened(connection, url)
                await self._take_all(connection)
        except ConnectionLostError as error:
            lost = error
        backoff = self._session.lost(time.monotonic())
        self._lost(lost, backoff)
        return backoff

    async def _take_all(self, connection: Connection) -> None:
        counters, receive = self._counters, self._session.receive
        async with aclosing(connection.batches()) as batches:
            async for batch in batches:
                for raw in batch.frames:
                    counters.frames_received += 1
                    outcome = receive(raw, batch.ingest_time)
                    if isinstance(outcome, Control):
                        self._controlled(outcome)
                    if not self._intake.offer(outcome):
                        await self._hold_back(outcome)

    async def _hold_back(self, outcome: Outcome) -> None:
        """Stop reading until the sink has room for this one."""
        began = time.monotonic()
        self._held_back = True
        self._tell("held_back", in_flight=self._counters.in_flight)
        try:
            while not self._intake.offer(outcome):
                await asyncio.sleep(_HOLD_SECONDS)
        finally:
            self._held_back = False
            self._session.excuse(time.monotonic())
            self._counters.backpressure_seconds += time.monotonic() - began

    def _controlled(self, control: Control) -> None:
        if control.then is not None:
            self._close(control.then.reason)

    def _opened(self, connection: Connection, url: str) -> None:
        self._connection = connection
        self._session.opened(time.monotonic(), connection.source)
        self._counters.connected = 1
        self._counters.reconnects += self._opened_before
        self._opened_before = True
        self._log.info("connected", url=url[:200], source=connection.source)

    def _lost(self, lost: ConnectionLostError, backoff: Backoff) -> None:
        self._counters.connect_failures += self._connection is None
        self._counters.oversized_frames += lost.oversized
        if not self._stopping:
            seconds = round(backoff.seconds, 3)
            self._log.warning("connection_lost", reason=lost.reason, retry_seconds=seconds)
        self._connection, self._closing = None, None
        self._counters.connected = 0

    def _close(self, reason: str) -> None:
        if self._connection is not None and self._closing is None:
            self._log.info("closing", reason=reason)
            self._closing = asyncio.create_task(self._connection.close())

    def _tell(self, event: str, **fields: object) -> None:
        """Log, but a second of a flood in one line: `unsaid` were like it and held back."""
        unsaid = self._limit.ask(event, time.monotonic())
        if unsaid is not None:
            self._log.warning(event, unsaid=unsaid, **fields)
