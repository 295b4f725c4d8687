"""What a connection has read and nobody has taken yet: picows' listener.

It puts fragments together, ends connections that break the protocol where picows does not, and
stops the reading above its bound. It runs once for every frame: what is usual goes first.
"""

import asyncio
import logging
import time
from typing import Final

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSProtocolError, WSTransport

# What an object costs beside its payload, so that a million empty frames have their bound too.
_OVERHEAD: Final = 64
_TEXT: Final = WSMsgType.TEXT
_DATA: Final = (WSMsgType.TEXT, WSMsgType.BINARY)


class Inbox(WSListener):
    """Collects whole messages in `frames`; `read_at` is when the first was read (ns UTC)."""

    def __init__(self, high_bytes: int, max_message_bytes: int) -> None:
        self.frames: list[bytes] = []
        self.read_at = 0
        self.connected = False
        self.abandoned = False
        self.ended = False
        self.logger = _quiet_logger(self)
        self._high = high_bytes
        self._max_message = max_message_bytes
        self._bytes = 0
        self._paused = False
        self._stopped = False
        self._transport: WSTransport | None = None
        self._waiter: asyncio.Future[None] | None = None
        # Frames are unusual while a message is in fragments, and all after the last one.
        self._unusual = False
        self._fragments: list[bytes] | None = None
        self._over = False

    def take(self) -> list[bytes]:
        """All that is here; reading goes on."""
        frames, self.frames, self._bytes = self.frames, [], 0
        if self._paused and self._transport is not None and not self._stopped:
            self._paused = False
            self._transport.underlying_transport.resume_reading()
        return frames

    async def wait(self) -> None:
        """Until there is a frame or the end."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def stop_reading(self) -> None:
        """For good: the protocol is broken, and nothing that comes from here on counts."""
        self._stopped = True
        if self._transport is not None:
            self._transport.underlying_transport.pause_reading()

    def on_ws_connected(self, transport: WSTransport) -> None:
        """See WSListener."""
        self._transport = transport
        self.connected = True
        if self.abandoned:
            transport.disconnect(graceful=False)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """See WSListener."""
        raw = frame.get_payload_as_bytes()
        if (
            frame.msg_type is not _TEXT
            or self._unusual
            or not frame.fin
            or frame.rsv1 or frame.rsv2 or frame.rsv3
        ):  # fmt: skip
            whole = self._unusual_frame(transport, frame, raw)
            if whole is None:
                return
            raw = whole
        if not self.frames:
            self._begin()
        self.frames.append(raw)
        self._bytes += len(raw) + _OVERHEAD
        if self._bytes > self._high:
            self._pause(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """See WSListener."""
        self.ended = True
        self._wake()

    def _begin(self) -> None:
        self.read_at = time.time_ns()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _pause(self, transport: WSTransport) -> None:
        if not self._paused:
            self._paused = True
            transport.underlying_transport.pause_reading()

    def _unusual_frame(self, transport: WSTransport, frame: WSFrame, raw: bytes) -> bytes | None:
        """The whole message that ends with this frame, if one does."""
        if self._over:
            return None
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            raise self._broken("a frame with reserved bits, though no extension is in use")
        if frame.msg_type in _DATA:
            return self._first_part(frame, raw)
        if frame.msg_type is WSMsgType.CONTINUATION:
            return self._next_part(frame, raw)
        if frame.msg_type is WSMsgType.CLOSE:
            self._closed(transport)
        return None

    def _first_part(self, frame: WSFrame, raw: bytes) -> bytes | None:
        if self._fragments is not None:
            raise self._broken("a new message inside one that is in fragments")
        if frame.fin:
            return raw
        self._fragments, self._unusual = [raw], True
        return None

    def _next_part(self, frame: WSFrame, raw: bytes) -> bytes | None:
        if self._fragments is None:
            raise self._broken("a continuation of no message")
        self._fragments.append(raw)
        # Empty fragments without end are no message either.
        cost = sum(map(len, self._fragments)) if len(self._fragments) < 1000 else 1 << 62
        if cost > self._max_message:
            reason = f"a message in fragments of more than {self._max_message} bytes"
            raise self._broken(reason, WSCloseCode.MESSAGE_TOO_BIG)
        if not frame.fin:
            return None
        whole, self._fragments, self._unusual = b"".join(self._fragments), None, False
        return whole

    def _closed(self, transport: WSTransport) -> None:
        self._over = self._unusual = True
        if not transport.is_close_frame_sent:
            transport.send_close(WSCloseCode.OK)
        transport.disconnect()

    def _broken(self, what: str, code: WSCloseCode = WSCloseCode.PROTOCOL_ERROR) -> WSProtocolError:
        self._over = self._unusual = True
        self.stop_reading()
        return WSProtocolError(code, f"Received {what}")


class _Alarm(logging.Handler):
    """picows tells of a broken protocol in its log only, and reads on for a while."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__(logging.ERROR)
        self._inbox = inbox

    def emit(self, record: logging.LogRecord) -> None:
        self._inbox.stop_reading()


def _quiet_logger(inbox: Inbox) -> logging.Logger:
    # A logger of its own: what the log says reaches the user as the reason of the loss.
    logger = logging.Logger("picows", logging.ERROR)
    logger.addHandler(_Alarm(inbox))
    return logger
