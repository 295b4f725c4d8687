"""What tests and users ask of the simulator itself: status, truth, faults."""

from typing import Any

import orjson
from aiohttp import web

from lakehouse.errors import FirehoseError, SettingsError
from producer.simulator import fault_specs
from producer.simulator.exchange import Exchange
from producer.simulator.fault_specs import Fault
from producer.simulator.rest import json_response


class Control:
    """The handlers under `/control`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def routes(self) -> list[web.RouteDef]:
        """The routes to add to the application."""
        return [
            web.get("/control/status", self._status),
            web.get("/control/truth", self._truth),
            web.get("/control/faults", self._list_faults),
            web.post("/control/faults", self._add_faults),
            web.delete("/control/faults", self._clear_faults),
        ]

    async def _status(self, request: web.Request) -> web.Response:
        del request
        exchange = self._exchange
        failure = exchange.failure
        return json_response(
            {
                "ready": True,
                "symbols": list(exchange.source.history.symbols()),
                "frames_total": exchange.source.total,
                "frames_sent": exchange.frames_sent,
                "trades_emitted": exchange.source.trades_emitted,
                "finished": exchange.finished,
                "connections": exchange.connections,
                "faults": dict(exchange.faults.fired),
                "error": str(failure) if failure else None,
            }
        )

    async def _truth(self, request: web.Request) -> web.Response:
        del request
        exchange = self._exchange
        history = exchange.source.history
        extents = {symbol: history.extent(symbol) for symbol in history.symbols()}
        return json_response(
            {
                "symbols": {
                    symbol: dict(zip(("first_id", "last_id", "count"), extent, strict=True))
                    for symbol, extent in extents.items()
                    if extent
                },
                "trades": sum(extent.distinct for extent in extents.values() if extent),
                "garbage": exchange.feed.garbage + exchange.recorded_garbage,
                "garbage_sent": exchange.garbage_sent,
                "duplicates": exchange.feed.duplicates,
                "finished": exchange.finished,
            }
        )

    async def _list_faults(self, request: web.Request) -> web.Response:
        del request
        return self._armed()

    async def _add_faults(self, request: web.Request) -> web.Response:
        try:
            specs = read_faults(await request.read())
        except FirehoseError as error:
            return json_response({"error": str(error)}, 400)
        for spec in specs:
            self._exchange.faults.add(spec)
        return self._armed()

    async def _clear_faults(self, request: web.Request) -> web.Response:
        del request
        self._exchange.faults.clear()
        return self._armed()

    def _armed(self) -> web.Response:
        armed = self._exchange.faults.armed
        return json_response({"faults": [fault.spec.model_dump() for fault in armed]})


def read_faults(body: bytes) -> list[Fault]:
    """One fault or a list of them, each an object or in text form; SettingsError if it is none."""
    try:
        content: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        hint = 'For example {"kind":"duplicate","probability":0.1} or "duplicate:0.1".'
        raise SettingsError(f"The body is no JSON: {error}.", hint) from None
    if isinstance(content, dict) and "faults" in content:
        content = content["faults"]
    items = content if isinstance(content, list) else [content]
    return [
        fault_specs.parse(item) if isinstance(item, str) else fault_specs.from_fields(item)
        for item in items
    ]
