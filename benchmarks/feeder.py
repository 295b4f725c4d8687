"""The benchmarks' exchange: one process that sends frames over loopback when it is told to.

It speaks the websocket (every client gets every frame from the moment it has connected, as on a
real exchange) and what the clients need of REST. Frames up to `cached` are encoded before any
clock starts; those beyond are made as they are sent.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Literal

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State

from benchmarks.frames import CHUNK, chunk, rest_answer

Said = Literal["connected", "began", "ended"]
_START_SECONDS = 120.0


class Feeder:
    """The parent's end: tells the process what to play and hears what it did."""

    def __init__(self, process: BaseProcess, pipe: Connection, sent: Any) -> None:
        self._process = process
        self._pipe = pipe
        self._sent = sent
        self.port = int(self._take(_START_SECONDS))

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.is_alive()

    @property
    def sent(self) -> int:
        """Frames sent of what is being played."""
        return int(self._sent.value)

    def forget(self) -> None:
        """Leave unread what was said about earlier clients."""
        while self._pipe.poll():
            self._pipe.recv()

    def wait(self, said: Said, seconds: float) -> float:
        """When it happened, seconds since 1970; TimeoutError if it doesn't within `seconds`."""
        while True:
            what, when = self._take(seconds)
            if what == said:
                return float(when)

    def play(self, frames: int, rate: float) -> float:
        """Start sending, as fast as clients read where `rate` is 0; when the first frame left."""
        self._pipe.send((frames, rate))
        return self.wait("began", _START_SECONDS)

    def _take(self, seconds: float) -> Any:
        if not self._pipe.poll(seconds):
            raise TimeoutError(f"the feeder said nothing for {seconds:g} s")
        return self._pipe.recv()


@contextmanager
def feeder(cached: int) -> Iterator[Feeder]:
    """A feeder process with its first `cached` frames encoded."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    sent = context.Value("q", 0, lock=False)
    process = context.Process(target=_main, args=(cached, theirs, sent), daemon=True)
    process.start()
    try:
        yield Feeder(process, ours, sent)
    finally:
        process.terminate()
        process.join()


def _main(cached: int, pipe: Connection, sent: Any) -> None:
    asyncio.run(_Exchange(cached, pipe, sent).run())


class _Exchange:
    def __init__(self, cached: int, pipe: Connection, sent: Any) -> None:
        starts = range(0, cached, CHUNK)
        self._chunks = [chunk(first, min(first + CHUNK, cached)) for first in starts]
        self._cached = cached
        self._pipe = pipe
        self._sent = sent
        self._clients: set[ServerConnection] = set()

    async def run(self) -> None:
        async with serve(
            self._serve, "127.0.0.1", 0, compression=None,
            process_request=self._request, ping_interval=20, ping_timeout=60,
        ) as server:  # fmt: skip
            self._pipe.send(next(iter(server.sockets)).getsockname()[1])
            while True:
                await self._play(*await asyncio.to_thread(self._pipe.recv))

    async def _serve(self, client: ServerConnection) -> None:
        self._clients.add(client)
        self._pipe.send(("connected", time.time()))
        try:
            with suppress(ConnectionClosed):
                async for message in client:
                    asked = json.loads(message)
                    await client.send(json.dumps({"result": None, "id": asked.get("id")}))
        finally:
            self._clients.discard(client)

    def _request(self, client: ServerConnection, request: Request) -> Response | None:
        if "Upgrade" in request.headers:
            return None
        answer = rest_answer(request.path, self._sent.value)
        response = client.respond(200 if answer else 404, answer or "{}")
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        response.headers["X-MBX-USED-WEIGHT-1M"] = "4"
        return response

    async def _play(self, frames: int, rate: float) -> None:
        self._sent.value = 0
        self._pipe.send(("began", time.time()))
        began = time.monotonic()
        for first in range(0, frames, CHUNK):
            if rate:
                await asyncio.sleep(began + first / rate - time.monotonic())
            await self._send(first, min(first + CHUNK, frames))
        self._pipe.send(("ended", time.time()))

    async def _send(self, first: int, end: int) -> None:
        ready = end <= self._cached and (end - first == CHUNK or end == self._cached)
        data = self._chunks[first // CHUNK] if ready else chunk(first, end)
        self._sent.value = end
        for client in tuple(self._clients):
            # One that says goodbye takes no more: asyncio raises on a write after the end.
            if client.state is not State.OPEN:
                continue
            with suppress(ConnectionClosed):
                client.transport.write(data)
                await client.drain()
