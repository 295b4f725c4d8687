"""A proxy that can do harm: it stands before a server and passes HTTP on, byte for byte.

Nothing that passes is changed (S3's signatures cover the Host header). A fault applies to every
request that begins while it is set, also on connections that are open already.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from random import Random
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from tests.chaos import http_wire
from tests.chaos.http_wire import Head

REFUSED: Final = "refused"
SLOW: Final = "slow"
CUT: Final = "cut off"  # the answer ends in its middle
LOST: Final = "answer lost"  # the request is done, the connection ends before the answer
LATE_503: Final = "done, then 503"  # the request is done, and yet the answer is an error
STATUS: Final = {"500": b"500 Internal Server Error", "503": b"503 Service Unavailable"}
FAULTS: Final = (REFUSED, SLOW, *STATUS, CUT, LOST, LATE_503)

_Result = TypeVar("_Result")
_SLOWEST: Final = 1.5
_LONGEST_BEGINNING: Final = 300


class Loop:
    """An event loop in a thread, for proxies of tests that are not asynchronous themselves."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.run(_cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Let it happen there; its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


class FaultProxy:
    """Listens on a port of the loopback that stays the same; `struck` counts what was harmed."""

    def __init__(self, loop: Loop, upstream: tuple[str, int], seed: int = 0) -> None:
        self._loop = loop
        self._upstream = upstream
        self._rng = Random(seed)
        self._fault: str | None = None
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.StreamWriter] = set()
        self.struck: Counter[str] = Counter()
        self.port = 0
        loop.run(self._listen())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fault(self, kind: str | None) -> None:
        """Let a fault of FAULTS happen from now on; None: no more."""
        assert kind is None or kind in FAULTS
        self._fault = kind
        self._loop.run(self._refuse() if kind == REFUSED else self._listen())

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        self.struck[REFUSED] += 1
        if self._server is not None:
            self._server.close()
            self._server = None
        for link in list(self._links):
            link.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._links.add(writer)
        upstream = None
        try:
            while head := await http_wire.head(reader):
                fault = self._fault
                self.struck[fault or ""] += 1
                if fault in STATUS:
                    writer.write(_error(STATUS[fault]))
                    await writer.drain()
                    return
                if fault == SLOW:
                    await asyncio.sleep(self._rng.uniform(0.1, _SLOWEST))
                upstream = upstream or await asyncio.open_connection(*self._upstream)
                if not await self._exchange(head, (reader, writer), upstream, fault):
                    return
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()
        finally:
            self._links.discard(writer)
            writer.close()
            if upstream is not None:
                upstream[1].close()

    async def _exchange(
        self, head: Head, client: http_wire.Link, upstream: http_wire.Link, fault: str | None
    ) -> bool:
        """One request and its answer; whether the connections can be used again."""
        upstream[1].write(head.raw)
        upload = asyncio.create_task(http_wire.pass_body(head, client[0], upstream[1]))
        try:
            # What asks for leave to send its body is given it by an answer in between (1xx).
            while (answer := await http_wire.head(upstream[0])) and answer.interim:
                client[1].write(answer.raw)
            if answer is None:
                raise ConnectionResetError("the server went away")
            if fault in (CUT, LOST, LATE_503):
                await self._spoil(answer, client[1], fault)
                return False
            client[1].write(answer.raw)
            await http_wire.pass_answer(head, answer, upstream[0], client[1])
            await upload
            return not answer.closes
        finally:
            upload.cancel()
            with suppress(asyncio.CancelledError, OSError, asyncio.IncompleteReadError):
                await upload

    async def _spoil(self, answer: Head, client: asyncio.StreamWriter, fault: str) -> None:
        if fault == LATE_503:
            client.write(_error(STATUS["503"]))
            await client.drain()
            return
        if fault == CUT:
            client.write(answer.raw[: self._rng.randint(1, _LONGEST_BEGINNING)])
            await client.drain()
        client.transport.abort()


async def _cancel_all() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _error(status: bytes) -> bytes:
    return b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
