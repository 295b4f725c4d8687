"""The one module that opens a websocket: a connection as an iterator of batches of frames.

Back-pressure: who does not ask for the next batch stops the reading. HIGH_BYTES of small messages
wait at most and as many of large ones, and what one read of the socket brought beside them
(WINDOW_BYTES at most); then TCP holds the exchange back. While reading is stopped pings are not
seen, so no pong goes out either.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, NamedTuple, cast

from picows import (
    WSCloseCode,
    WSError,
    WSInvalidURL,
    WSMsgType,
    WSProtocolError,
    WSTransport,
    ws_connect,
)

from lakehouse.errors import SettingsError
from lakehouse.trade import Source
from producer.inbox import Inbox
from producer.proxies import PROXY_ERRORS, proxy_for
from producer.topics import MAX_FRAME_BYTES

HIGH_BYTES: Final = 1024 * 1024
WINDOW_BYTES: Final = 4 * 1024 * 1024
OPEN_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 1.0
SIMULATED_HEADER: Final = "X-Firehose-Simulated"
_READ_BYTES: Final = 256 * 1024


class ConnectionLostError(Exception):
    """The connection can't be opened or has ended; `oversized`: by a frame over the limit."""

    def __init__(self, reason: str, *, oversized: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.oversized = oversized


class Batch(NamedTuple):
    """Whole messages in the order of their arrival; `ingest_time` (µs UTC) of the first read."""

    frames: list[bytes]
    ingest_time: int


class Connection:
    """An open websocket. Pings are answered by the library while it reads."""

    def __init__(self, transport: WSTransport, inbox: Inbox) -> None:
        self._transport = transport
        self._inbox = inbox

    @property
    def source(self) -> Source:
        """`simulated` where the server says that it makes its trades up, else `ws`."""
        invented = self._transport.response.headers.get(SIMULATED_HEADER) == "market"
        return "simulated" if invented else "ws"

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """All messages, text or binary, as bytes unchanged; ends by ConnectionLostError."""
        inbox = self._inbox
        while True:
            if inbox.frames:
                read_at = inbox.read_at
                yield Batch(inbox.take(), read_at // 1000)
            elif inbox.ended:
                raise await self._loss()
            else:
                await inbox.wait()

    def send(self, text: str) -> None:
        """Send a text message; nothing happens on a connection that has ended."""
        self._transport.send(WSMsgType.TEXT, text.encode())

    async def close(self) -> None:
        """Say good-bye; frames that are already here can still be read."""
        if not self._transport.is_disconnected:
            self._transport.send_close(WSCloseCode.OK)
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._ended()
        except TimeoutError:
            self._transport.disconnect(graceful=False)
            await self._ended()

    async def _ended(self) -> None:
        with suppress(WSProtocolError):
            await self._transport.wait_disconnected()

    async def _loss(self) -> ConnectionLostError:
        try:
            await self._transport.wait_disconnected()
        except WSProtocolError as error:
            oversized = error.code == WSCloseCode.MESSAGE_TOO_BIG
            return ConnectionLostError(str(error), oversized=oversized)
        shaken = self._transport.close_handshake
        if shaken is None or shaken.recv is None:
            return ConnectionLostError("the line was cut")
        said = f"{int(cast(int, shaken.recv.code))} {shaken.recv.reason or ''}".strip()
        return ConnectionLostError(f"closed by the exchange: {said}"[:200])


@asynccontextmanager
async def open_connection(url: str) -> AsyncIterator[Connection]:
    """Connect and close at the end; ConnectionLostError where the server can't be had."""
    inbox = Inbox(HIGH_BYTES, MAX_FRAME_BYTES)
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            transport = await _connect(url, inbox)
    except WSInvalidURL:
        raise SettingsError(
            f"{url[:100]} is no websocket address.", "Set BINANCE_WS_URL."
        ) from None
    except TimeoutError:
        raise ConnectionLostError(f"no answer within {OPEN_SECONDS:g} s") from None
    except (OSError, WSError, *PROXY_ERRORS) as error:
        raise ConnectionLostError(str(error)[:200] or type(error).__name__) from None
    finally:
        inbox.abandoned = not inbox.connected
    connection = Connection(transport, inbox)
    try:
        yield connection
    finally:
        await connection.close()


async def _connect(url: str, inbox: Inbox) -> WSTransport:
    transport, listener = await ws_connect(
        lambda *_: inbox,
        url,
        logger_name=inbox.logger,
        websocket_handshake_timeout=OPEN_SECONDS,
        # The exchange pings. Pings of our own would cut the line whenever Kafka holds us back.
        enable_auto_ping=False,
        enable_auto_pong=True,
        max_frame_size=MAX_FRAME_BYTES,
        read_buffer_init_size=_READ_BYTES,
        proxy=proxy_for(url),
    )
    if listener is None:
        # So picows tells of a server that ends the connection before it has answered.
        raise ConnectionLostError("the server ended the connection instead of answering")
    _bound_the_window(transport)
    return transport


def _bound_the_window(transport: WSTransport) -> None:
    """The kernel would hold up to 32 MiB for a reader that rests, and one read bring them all."""
    line = transport.underlying_transport.get_extra_info("socket")
    if line is not None and hasattr(socket, "TCP_WINDOW_CLAMP"):
        # The server may have gone already: then there is nothing left to bound.
        with suppress(OSError):
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, WINDOW_BYTES)
