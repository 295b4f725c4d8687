"""The simulator as a server: websockets, REST and control on one port."""

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator
from typing import NamedTuple

from aiohttp import web

from lakehouse.errors import ResourceError
from producer.simulator import rest_faults
from producer.simulator.control import Control
from producer.simulator.exchange import Exchange
from producer.simulator.options import Limits
from producer.simulator.rest import Rest
from producer.simulator.websocket import Websockets
from producer.simulator.weights import WeightMeter


class Running(NamedTuple):
    """Where the simulator listens, and the task that feeds its clients."""

    host: str
    port: int
    feed: asyncio.Task[None]


def application(exchange: Exchange, limits: Limits) -> web.Application:
    """All routes of the simulator over one exchange."""
    app = web.Application(middlewares=[rest_faults.middleware(exchange.faults)])
    meter = WeightMeter(limits.weight_per_minute, limits.ban_seconds)
    for part in (Websockets(exchange, limits), Rest(exchange, meter), Control(exchange)):
        app.add_routes(part.routes())
    return app


@contextlib.asynccontextmanager
async def serving(
    exchange: Exchange, limits: Limits, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Running]:
    """Listen, run the exchange, and end both; ResourceError where the port can't be had."""
    app = application(exchange, limits)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        await _listen(runner, host, port)
        bound_host, bound_port = runner.addresses[0][:2]
        feed = asyncio.create_task(exchange.run())
        try:
            yield Running(bound_host, bound_port, feed)
        finally:
            await _ended(feed)
    finally:
        await runner.cleanup()


async def _ended(feed: asyncio.Task[None]) -> None:
    """Stop the feed; if it had broken before, that must not pass unseen."""
    if not feed.done():
        feed.cancel()
        await asyncio.wait([feed])
    elif feed.cancelled():
        raise RuntimeError("the feed was cancelled from outside")
    if not feed.cancelled():
        feed.result()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise _no_port(error, host, port) from None


def _no_port(error: OSError, host: str, port: int) -> ResourceError:
    if error.errno == errno.EADDRINUSE:
        text = f"Port {port} on {host} is taken."
        return ResourceError(text, "Choose another with --port, or 0 for any that is free.")
    return ResourceError(f"Can't listen on {host}:{port}: {error.strerror or error}.")
