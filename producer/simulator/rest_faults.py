"""REST faults as a middleware around the exchange's endpoints."""

import asyncio

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from producer.simulator.fault_specs import RestGarbage, RestHoles, RestSlow, RestStatus
from producer.simulator.faults import Armed, FaultSet


def middleware(faults: FaultSet) -> Middleware:
    """Strikes requests under `/api/`; all others pass untouched."""

    @web.middleware
    async def strike(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/api/") or not faults.rest:
            return await handler(request)
        refused = await _before(faults)
        if refused is not None:
            return refused
        response = await handler(request)
        if isinstance(response, web.Response) and response.status == 200:
            _after(faults, response, request.path)
        return response

    return strike


async def _before(faults: FaultSet) -> web.Response | None:
    for armed in faults.rest:
        spec = armed.spec
        if isinstance(spec, RestSlow) and _fires(faults, armed, spec.probability):
            await asyncio.sleep(spec.seconds)
        elif isinstance(spec, RestStatus) and _fires(faults, armed, spec.probability):
            return _error(spec)
    return None


def _error(spec: RestStatus) -> web.Response:
    waits = spec.status in (418, 429)
    body = {"code": -1003 if waits else -1001, "msg": f"Simulated error {spec.status}."}
    return web.Response(
        status=spec.status,
        body=orjson.dumps(body),
        content_type="application/json",
        headers={"Retry-After": str(spec.retry_after)} if waits else None,
    )


def _after(faults: FaultSet, response: web.Response, path: str) -> None:
    for armed in faults.rest:
        body = response.body
        if not isinstance(body, bytes):
            return
        if isinstance(armed.spec, RestHoles) and path.endswith("/aggTrades"):
            response.body = _with_holes(faults, armed, armed.spec.probability, body)
        elif isinstance(armed.spec, RestGarbage) and _fires(faults, armed, armed.spec.probability):
            response.body = body[: max(1, len(body) // 2)]


def _with_holes(faults: FaultSet, armed: Armed, probability: float, body: bytes) -> bytes:
    rows = orjson.loads(body)
    return orjson.dumps([row for row in rows if not _fires(faults, armed, probability)])


def _fires(faults: FaultSet, armed: Armed, probability: float) -> bool:
    fires = armed.take(probability)
    if fires:
        faults.count(armed.spec.kind)
    return fires
