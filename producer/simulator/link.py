"""One client's connection: what it has subscribed to, and the writing of frames to it."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

import orjson
from aiohttp import ClientError
from aiohttp.abc import AbstractStreamWriter

from producer.simulator.faults import Action, FaultSet, LinkScript
from producer.simulator.frames import Frame, message, raw_payload
from producer.simulator.protocol import Subscriptions

# A live exchange does not wait for a client that can't keep up: it drops the connection.
_MAX_BACKLOG: Final = 32 * 1024 * 1024
# What aiohttp raises where a client has gone; not all of it is a ConnectionError.
LOST: Final = (ConnectionError, ClientError)


class Link:
    """Writes whole batches at once: one `send` per frame would be the slowest part by far."""

    def __init__(
        self,
        transport: asyncio.Transport,
        writer: AbstractStreamWriter,
        subscriptions: Subscriptions,
        faults: FaultSet,
    ) -> None:
        self.subscriptions = subscriptions
        self.sent = 0
        self.garbage_sent = 0
        self._transport = transport
        self._writer = writer
        self._faults = faults
        self._script = LinkScript(faults)

    @property
    def taking(self) -> bool:
        """Whether frames that are offered now would be sent."""
        open_ = not self._transport.is_closing() and bool(self.subscriptions.streams)
        return open_ and not self._script.is_silent(time.monotonic())

    def offer(self, frames: Sequence[Frame]) -> None:
        """Send what of the frames this client listens to."""
        if self._transport.is_closing():
            return
        streams = self.subscriptions.streams
        wanted = [frame for frame in frames if frame.stream is None or frame.stream in streams]
        if self._faults.link:
            self._scripted(wanted)
        else:
            self._write(wanted)

    async def drain(self) -> None:
        """Wait until the client has taken most of what was written; a lost client is no error."""
        try:
            await self._writer.drain()
        except LOST:
            self.abort()
        except asyncio.CancelledError:
            # All who drain one connection share a future in aiohttp: when a task of this
            # connection is cancelled at its end, that is no order for the feed to stop.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self.abort()

    def cut_if_too_slow(self) -> None:
        """End the connection if its client is far behind."""
        if self._transport.get_write_buffer_size() > _MAX_BACKLOG:
            self._faults.count("too-slow")
            self._transport.abort()

    def cut(self) -> None:
        """End the connection without a closing handshake; what was written still goes out."""
        self._transport.close()

    def abort(self) -> None:
        """End the connection now; what its client has not taken is lost."""
        self._transport.abort()

    def _scripted(self, frames: Sequence[Frame]) -> None:
        """As `_write`, with the connection's faults struck in between, frame by frame."""
        now, out = time.monotonic(), list[Frame]()
        for frame in frames:
            action = self._script.next(self.sent + len(out), now, frame.symbol)
            if action in (Action.CUT, Action.CUT_INSIDE):
                self._write(out)
                self._cut(frame, inside=action is Action.CUT_INSIDE)
                return
            if action is Action.SHUTDOWN:
                self._write(out)
                out = []
                self._announce_shutdown()
            if action is not Action.SKIP:
                out.append(frame)
        self._write(out)

    def _write(self, frames: Sequence[Frame]) -> None:
        if not frames:
            return
        self._transport.write(b"".join([self._wire(frame) for frame in frames]))
        self.sent += len(frames)
        self.garbage_sent += sum(not frame.readable for frame in frames)

    def _wire(self, frame: Frame) -> bytes:
        return frame.wire if self.subscriptions.combined else _raw_wire(frame)

    def _cut(self, frame: Frame, inside: bool) -> None:
        if inside:
            wire = self._wire(frame)
            self._transport.write(wire[: max(1, len(wire) // 2)])
        self.cut()

    def _announce_shutdown(self) -> None:
        event = {"e": "serverShutdown", "E": time.time_ns() // 1_000_000}
        self._transport.write(message(orjson.dumps(event)))
        asyncio.get_running_loop().call_later(self._script.grace, self.cut)


def _raw_wire(frame: Frame) -> bytes:
    return frame.wire if frame.stream is None else message(raw_payload(frame))
