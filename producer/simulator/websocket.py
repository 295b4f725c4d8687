"""The websocket endpoints: `/stream?streams=a/b` (wrapped events) and `/ws/<stream>` (raw)."""

import asyncio
import contextlib
import time
from typing import Final

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from producer.simulator.exchange import Exchange
from producer.simulator.link import LOST, Link
from producer.simulator.options import Limits
from producer.simulator.protocol import MAX_STREAMS, Subscriptions
from producer.simulator.weights import SlidingWindow

_TICK_S: Final = 1.0
_MAX_MESSAGE: Final = 256 * 1024


class Websockets:
    """The handlers of both endpoints, and the limits that hold across connections."""

    def __init__(self, exchange: Exchange, limits: Limits) -> None:
        self._exchange = exchange
        self._limits = limits
        self._connects = SlidingWindow(limits.connects_per_5_minutes, 300.0)

    def routes(self) -> list[web.RouteDef]:
        """The routes to add to the application."""
        return [
            web.get("/stream", self._combined),
            web.get("/ws", self._raw),
            web.get("/ws/{streams:.+}", self._raw),
        ]

    async def _combined(self, request: web.Request) -> web.StreamResponse:
        names = request.query.get("streams", "").split("/")
        return await self._serve(request, Subscriptions(names, combined=True))

    async def _raw(self, request: web.Request) -> web.StreamResponse:
        names = request.match_info.get("streams", "").split("/")
        return await self._serve(request, Subscriptions(names, combined=False))

    async def _serve(self, request: web.Request, wanted: Subscriptions) -> web.StreamResponse:
        if not self._connects.admit(time.monotonic()):
            raise web.HTTPTooManyRequests(headers={"Retry-After": "300"})
        ws = web.WebSocketResponse(
            autoping=False, compress=False, timeout=1.0, max_msg_size=_MAX_MESSAGE
        )
        writer = await ws.prepare(request)
        if len(wanted.streams) > MAX_STREAMS:
            await ws.close(code=WSCloseCode.POLICY_VIOLATION, message=b"Too many streams")
            return ws
        assert request.transport is not None
        link = Link(request.transport, writer, wanted, self._exchange.faults)
        await self._live(ws, link)
        return ws

    async def _live(self, ws: web.WebSocketResponse, link: Link) -> None:
        session = Session(ws, link, self._exchange, self._limits)
        self._exchange.attach(link)
        keeper = asyncio.create_task(session.keep())
        try:
            with contextlib.suppress(*LOST):
                await session.listen()
        finally:
            self._exchange.detach(link)
            # The keeper may be what ended the dialogue: then it still has to end the connection.
            if not session.closing:
                keeper.cancel()
        await asyncio.wait([keeper])


class Session:
    """One connection's dialogue: control messages, pings, its age."""

    def __init__(
        self, ws: web.WebSocketResponse, link: Link, exchange: Exchange, limits: Limits
    ) -> None:
        self._ws = ws
        self._link = link
        self._exchange = exchange
        self._limits = limits
        self._messages = SlidingWindow(limits.messages_per_second, 1.0)
        self._opened = time.monotonic()
        self._next_ping = self._opened + limits.ping_interval
        self._unanswered: dict[bytes, float] = {}
        self.closing = False

    async def listen(self) -> None:
        """Answer the client until the connection ends."""
        while True:
            message = await self._ws.receive()
            if message.type not in (
                WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG,
            ):  # fmt: skip
                return
            if not self._messages.admit(time.monotonic()):
                self._exchange.faults.count("too-many-messages")
                await self._close(WSCloseCode.POLICY_VIOLATION, b"Too many requests")
                return
            await self._answer(message)

    async def _answer(self, message: WSMessage) -> None:
        if message.type is WSMsgType.PONG:
            # Only a copy of a ping's payload counts; unsolicited pongs are allowed and ignored.
            self._unanswered.pop(bytes(message.data), None)
        elif message.type is WSMsgType.PING:
            await self._ws.pong(message.data)
        else:
            answer = self._link.subscriptions.answer(message.data)
            await self._ws.send_str(answer.decode())
            self._exchange.subscribed(self._link)

    async def keep(self) -> None:
        """Ping, and end the connection when its client is dead or its time is over."""
        with contextlib.suppress(*LOST):
            await self._keep()

    async def _keep(self) -> None:
        while not self._ws.closed:
            now = time.monotonic()
            if now - self._opened >= self._max_age():
                self._exchange.faults.count("max-age")
                await self._close(WSCloseCode.GOING_AWAY, b"Connection is too old")
                return
            if self._is_dead(now):
                self._exchange.faults.count("no-pong")
                await self._close(WSCloseCode.POLICY_VIOLATION, b"Pong timeout")
                return
            await self._ping(now)
            await asyncio.sleep(self._until_next(now))

    async def _ping(self, now: float) -> None:
        if now < self._next_ping:
            return
        payload = str(time.time_ns() // 1_000_000).encode()
        self._unanswered[payload] = now
        self._next_ping = now + self._limits.ping_interval
        await self._ws.ping(payload)

    def _is_dead(self, now: float) -> bool:
        oldest = min(self._unanswered.values(), default=now)
        return now - oldest > self._limits.pong_timeout

    def _max_age(self) -> float:
        return min(self._limits.max_age, self._exchange.faults.max_age() or self._limits.max_age)

    def _until_next(self, now: float) -> float:
        """Short at most, since a fault may be armed at any time."""
        ends = min(self._next_ping, self._opened + self._max_age())
        return min(max(ends - now, 0.001), _TICK_S, max(self._limits.pong_timeout / 2, 0.05))

    async def _close(self, code: WSCloseCode, reason: bytes) -> None:
        # A client that is dead or stalled can't take the closing frame: don't wait for it.
        self.closing = True
        try:
            with contextlib.suppress(TimeoutError, *LOST):
                await self._ws.close(code=code, message=reason, drain=False)
        finally:
            self._link.abort()
