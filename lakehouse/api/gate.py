"""Before every request: is the key right, and what did it cost? Plain ASGI, for speed."""

import hmac
import time
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lakehouse.api.metrics import Metrics
from lakehouse.api.problems import problem

# Whether the process lives may be asked by anybody; it tells nothing else.
# The page holds no figures: it asks its reader for the key, and brings it with every question.
OPEN_PATHS: Final = frozenset({"/health/live", "/"})
OPEN_FOLDER: Final = "/page/"
MOST_REQUESTS: Final = 200
MOST_BODY_BYTES: Final = 4_000_000


class KeyGate:
    """Lets a request through that brings the key, as X-API-Key or as a Bearer token."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app, self._key = app, key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, as ASGI has it."""
        if (
            scope["type"] != "http"
            or scope["path"] in OPEN_PATHS
            or scope["path"].startswith(OPEN_FOLDER)
            or self._opens(Headers(scope=scope))
        ):
            await self._app(scope, receive, send)
            return
        detail = "This API wants its key, as the header X-API-Key or as a Bearer token."
        refusal = problem(401, "no_key", detail, {"WWW-Authenticate": "Bearer"})
        await refusal(scope, receive, send)

    def _opens(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        # latin-1 is how headers come; in constant time, so that a wrong key tells nothing.
        by_name = hmac.compare_digest(headers.get("x-api-key", "").encode("latin-1"), self._key)
        return hmac.compare_digest(bearer.encode("latin-1"), self._key) or by_name


class Crowd:
    """Refuses what comes while too many requests are under way, rather than being late for all."""

    def __init__(self, app: ASGIApp, most: int = MOST_REQUESTS) -> None:
        self._app, self._most, self._under_way = app, most, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._under_way >= self._most:
            detail = f"{self._most} requests are under way."
            await problem(503, "busy", detail, {"Retry-After": "1"})(scope, receive, send)
        else:
            await self._count(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1


class Weight:
    """Refuses a body that is longer than any that is wanted, before it is in memory."""

    def __init__(self, app: ASGIApp, most: int = MOST_BODY_BYTES) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        left = self._most

        async def weighed() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:  # no ProblemError: FastAPI would call it a body that can't be parsed
                raise HTTPException(413, f"A body may have {self._most:,} bytes.")
            return message

        await self._app(scope, weighed, send)


class Meter:
    """Counts requests by route and status, and times them."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            # By the route, not the path: a client could otherwise make endless time series.
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.count(route, status, time.perf_counter() - began)
