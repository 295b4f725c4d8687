"""The producer's HTTP: figures, health, status, and its symbols.

One aiohttp server in the producer's own event loop, so a loop that hangs does not answer either.
docs/producer.md lists the paths. Others on the network get figures and health at most.
"""

import time
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final
from urllib.parse import urlsplit

import orjson
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from prometheus_client.exposition import choose_encoder

from lakehouse.errors import FirehoseError, ResourceError, SettingsError, UnreachableError
from lakehouse.loopback import is_loopback
from producer import health
from producer.following import Following
from producer.health import Checks, ShardState, Vitals
from producer.logs import RUN_ID
from producer.metrics import Counters, registry_of
from producer.symbols import checked_names

__all__ = ["HOST", "Operations", "ShardState", "Vitals"]

HOST: Final = "127.0.0.1"
_LOOPBACK: Final = {"127.0.0.1", "localhost", "::1"}
# These show nothing worth stealing, and scrapers may come through a proxy with a name.
_OPEN: Final = ("/metrics", "/health/")
_MAX_BODY: Final = 256 * 1024
_STOP_SECONDS: Final = 1.0
_STATUS: Final = {SettingsError: 400, UnreachableError: 503}


class Operations:
    """Answers from `start` on; `vitals` and `following` are given once they are there."""

    def __init__(self, counters: Counters) -> None:
        self.vitals: Vitals | None = None
        self.following: Following | None = None
        self._counters = counters
        self._registry = registry_of(counters)
        self._began = time.monotonic()
        self._runner: web.AppRunner | None = None

    async def start(self, port: int, host: str = HOST) -> int:
        """Listen; the port in use (0 asks for a free one). ResourceError where it is taken."""
        app = web.Application(middlewares=[_guard, _told], client_max_size=_MAX_BODY)
        app.add_routes(
            [
                web.get("/metrics", self._metrics),
                web.get("/health/live", self._live),
                web.get("/health/ready", self._ready),
                web.get("/status", self._status),
                web.get("/symbols", self._symbols),
                web.post("/symbols", self._change),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_SECONDS)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self.stop()
            raise ResourceError(
                f"The metrics port {port} can't be opened: {error.strerror or error}.",
                "Set PRODUCER_METRICS_PORT to another port, or to 0 for any free one.",
            ) from None
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close the port; a second is given to answers under way."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        encode, kind = choose_encoder(request.headers.get(hdrs.ACCEPT, ""))
        response = web.Response(body=encode(self._registry), headers={hdrs.CONTENT_TYPE: kind})
        response.enable_compression()
        return response

    async def _live(self, _: web.Request) -> web.Response:
        return _judged(health.live(self.vitals, time.monotonic()))

    async def _ready(self, _: web.Request) -> web.Response:
        return _judged(health.ready(self.vitals))

    async def _status(self, _: web.Request) -> web.Response:
        counters, checks = self._counters, health.ready(self.vitals)
        delivered_at = counters.last_delivery_timestamp
        body: dict[str, object] = {
            "version": _version(),
            "run_id": RUN_ID,
            "uptime_seconds": round(time.monotonic() - self._began, 1),
            "ready": _all(checks),
            "failed": [name for name, check in checks.items() if not check.ok],
            "symbols": self.following.symbols if self.following else (),
            "in_flight": counters.in_flight,
            "held": counters.held,
            "last_delivery": _iso(delivered_at) if delivered_at else None,
        }
        return _json(body | (health.status(self.vitals) if self.vitals else {}))

    async def _symbols(self, _: web.Request) -> web.Response:
        return _json(_shown(self._following()))

    async def _change(self, request: web.Request) -> web.Response:
        wanted = _wish(await request.read())
        following = self._following()
        await following.change(*wanted)
        return _json(_shown(following))

    def _following(self) -> Following:
        if self.following is None:
            raise UnreachableError("The producer is still starting.", "Try again in some seconds.")
        return self.following


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what a web page in somebody's browser sends here (DNS rebinding, foreign origins)."""
    if not request.path.startswith(_OPEN):
        origin = request.headers.get(hdrs.ORIGIN)
        # The peer as well: METRICS_HOST may let others in, and a Host can be made up.
        here = is_loopback(request.remote or "") and _hostname(f"//{request.host}") in _LOOPBACK
        if not here:
            return _refusal(403, "This address is for 127.0.0.1 and localhost alone.", "")
        if origin is not None and origin != f"{request.scheme}://{request.host}":
            return _refusal(403, "Requests from web pages elsewhere are refused.", "")
    return await handler(request)


@web.middleware
async def _told(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A FirehoseError becomes its sentence and its way out."""
    try:
        return await handler(request)
    except FirehoseError as error:
        return _refusal(_STATUS.get(type(error), 500), error.message, error.hint)


def _wish(raw: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The symbols to add and to remove."""
    try:
        wish = orjson.loads(raw)
    except orjson.JSONDecodeError:
        wish = None
    if not isinstance(wish, dict) or not wish or not wish.keys() <= {"add", "remove"}:
        raise SettingsError(
            "An object with add or remove is wanted.", 'For example {"add": ["SOLUSDT"]}.'
        )
    return checked_names(wish.get("add", [])), checked_names(wish.get("remove", []))


def _shown(following: Following) -> dict[str, object]:
    return {
        "symbols": following.symbols,
        "setting": following.terms,
        "added": following.changes.add,
        "removed": following.changes.remove,
        "kept_over_restarts": following.kept,
    }


def _judged(checks: Checks) -> web.Response:
    body = {
        "ok": _all(checks),
        "failed": [name for name, check in checks.items() if not check.ok],
        "checks": {name: check._asdict() for name, check in checks.items()},
    }
    return _json(body, 200 if _all(checks) else 503)


def _all(checks: Checks) -> bool:
    return all(check.ok for check in checks.values())


def _refusal(status: int, message: str, hint: str) -> web.Response:
    return _json({"error": message, "hint": hint}, status)


def _json(body: object, status: int = 200) -> web.Response:
    raw = orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return web.Response(body=raw, status=status, content_type="application/json")


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _iso(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="milliseconds")


@cache
def _version() -> str:
    try:
        return version("firehose-lakehouse")
    except PackageNotFoundError:  # run from a folder that was not installed
        return "unknown"
