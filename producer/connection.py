"""The one module that opens a socket: a websocket as an iterator of frames.

Back-pressure: who does not ask for the next frame stops the reading. MAX_QUEUE frames wait at
most (and what one read of the socket brought beside them), then TCP holds the exchange back.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, PayloadTooBig

from lakehouse.trade import Source
from producer.topics import MAX_FRAME_BYTES

MAX_QUEUE: Final = 64
OPEN_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 1.0
SIMULATED_HEADER: Final = "X-Firehose-Simulated"
_LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}


class ConnectionLostError(Exception):
    """The connection can't be opened or has ended; `oversized`: by a frame over the limit."""

    def __init__(self, reason: str, *, oversized: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.oversized = oversized


class Connection:
    """An open websocket. Pings are answered by the library while frames are being read."""

    def __init__(self, websocket: ClientConnection) -> None:
        self._websocket = websocket

    @property
    def source(self) -> Source:
        """`simulated` where the server says that it makes its trades up, else `ws`."""
        response = self._websocket.response
        invented = response is not None and response.headers.get(SIMULATED_HEADER) == "market"
        return "simulated" if invented else "ws"

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """Every frame, text or binary, as bytes unchanged; ends by ConnectionLostError."""
        receive = self._websocket.recv
        try:
            while True:
                # decode=False: text that is no UTF-8 is a dead letter, not the connection's end.
                yield await receive(decode=False)
        except ConnectionClosed as closed:
            raise _lost(closed) from None

    async def close(self) -> None:
        """Say good-bye; frames that are already here can still be read."""
        await self._websocket.close()


@asynccontextmanager
async def open_connection(url: str) -> AsyncIterator[Connection]:
    """Connect and close at the end; ConnectionLostError where the server can't be had."""
    try:
        websocket = await connect(url, **_options(url))
    except (OSError, TimeoutError, InvalidHandshake, EOFError) as error:
        raise ConnectionLostError(str(error) or type(error).__name__) from None
    try:
        yield Connection(websocket)
    finally:
        await websocket.close()


def _options(url: str) -> dict[str, Any]:
    return {
        "compression": None,
        "max_size": MAX_FRAME_BYTES,
        "max_queue": MAX_QUEUE,
        "open_timeout": OPEN_SECONDS,
        "close_timeout": CLOSE_SECONDS,
        # The exchange pings. Pings of our own would cut the line whenever Kafka holds us back.
        "ping_interval": None,
        "proxy": None if urlsplit(url).hostname in _LOOPBACK else True,
    }


def _lost(closed: ConnectionClosed) -> ConnectionLostError:
    oversized = isinstance(closed.__cause__, PayloadTooBig)
    return ConnectionLostError(str(closed), oversized=oversized)
