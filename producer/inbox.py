"""What a connection has read and nobody has taken yet: picows' listener.

It puts fragments together, ends connections that break the protocol where picows does not, and
stops the reading above its bound.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSProtocolError, WSTransport

# Frames up to so many bytes are counted, not weighed: it is done for each one.
_SMALL_BYTES: Final = 512
_LEAVE_SECONDS: Final = 0.2
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
        self._most_small = high_bytes // _SMALL_BYTES
        self._max_message = max_message_bytes
        self._large_bytes = 0
        self._paused = False
        self._stopped = False
        self._transport: WSTransport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._fragments: list[bytes] | None = None
        self._over = False
        self._usual = self._handler()
        self._expect_usual()

    def take(self) -> list[bytes]:
        """All that is here; reading goes on."""
        # The list stays the same one: the handler holds it.
        frames = self.frames[:]
        self.frames.clear()
        self._large_bytes = 0
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
            _abort_soon(self._transport)

    def on_ws_connected(self, transport: WSTransport) -> None:
        """See WSListener."""
        self._transport = transport
        self.connected = True
        if self.abandoned:
            transport.disconnect(graceful=False)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """See WSListener; in the place of the handler while frames are not as usual."""
        whole = self._unusual_frame(transport, frame)
        if whole is not None:
            if not self.frames:
                self._begin()
            self.frames.append(whole)
            self._weigh(transport, whole)

    def _handler(self) -> Callable[[WSTransport, WSFrame], None]:
        """on_ws_frame for usual frames. It runs for each one, hence no attributes of ours."""
        frames, small, most, text = self.frames, _SMALL_BYTES, self._most_small, WSMsgType.TEXT
        add, begin, weigh, unusual = frames.append, self._begin, self._weigh, type(self).on_ws_frame

        def on_ws_frame(transport: WSTransport, frame: WSFrame) -> None:
            if (
                frame.msg_type is not text
                or not frame.fin
                or frame.rsv1 or frame.rsv2 or frame.rsv3
            ):  # fmt: skip
                unusual(self, transport, frame)
                return
            raw = frame.get_payload_as_bytes()
            if not frames:
                begin()
            add(raw)
            if len(raw) > small or len(frames) > most:
                weigh(transport, raw)

        return on_ws_frame

    def _expect_usual(self) -> None:
        self.on_ws_frame = self._usual  # type: ignore[method-assign,assignment]

    def _expect_unusual(self) -> None:
        """While a message is in fragments, and after the last frame that counts."""
        self.__dict__.pop("on_ws_frame", None)

    def _weigh(self, transport: WSTransport, raw: bytes) -> None:
        if len(raw) > _SMALL_BYTES:
            self._large_bytes += len(raw)
        if self._large_bytes > self._high or len(self.frames) > self._most_small:
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

    def _unusual_frame(self, transport: WSTransport, frame: WSFrame) -> bytes | None:
        """The whole message that ends with this frame, if one does."""
        if self._over:
            return None
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            raise self._broken("a frame with reserved bits, though no extension is in use")
        if frame.msg_type in _DATA:
            return self._first_part(frame, frame.get_payload_as_bytes())
        if frame.msg_type is WSMsgType.CONTINUATION:
            return self._next_part(frame, frame.get_payload_as_bytes())
        if frame.msg_type is WSMsgType.CLOSE:
            self._closed(transport)
        return None

    def _first_part(self, frame: WSFrame, raw: bytes) -> bytes | None:
        if self._fragments is not None:
            raise self._broken("a new message inside one that is in fragments")
        if frame.fin:
            return raw
        self._fragments = [raw]
        self._expect_unusual()
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
        whole, self._fragments = b"".join(self._fragments), None
        self._expect_usual()
        return whole

    def _closed(self, transport: WSTransport) -> None:
        self._over = True
        self._expect_unusual()
        if not transport.is_close_frame_sent:
            transport.send_close(WSCloseCode.OK)
        transport.disconnect()
        _abort_soon(transport)

    def _broken(self, what: str, code: WSCloseCode = WSCloseCode.PROTOCOL_ERROR) -> WSProtocolError:
        self._over = True
        self._expect_unusual()
        self.stop_reading()
        return WSProtocolError(code, f"Received {what}")


def _abort_soon(transport: WSTransport) -> None:
    # A TLS line is closed in order only once its other end agrees, which it need not ever do.
    asyncio.get_running_loop().call_later(_LEAVE_SECONDS, transport.disconnect, False)


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
