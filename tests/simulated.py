"""A simulated exchange on a real port inside the test's own event loop, and simple clients."""

import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import websockets

from lakehouse.exchanges.binance import stream_name
from producer.simulator import fault_specs
from producer.simulator.exchange import Exchange
from producer.simulator.faults import FaultSet
from producer.simulator.market import MarketSpec
from producer.simulator.market_source import MarketSource
from producer.simulator.options import Limits
from producer.simulator.server import serving
from producer.simulator.sources import RecordedSource, Source

SYMBOLS = ("BTCUSDT", "ETHUSDT")


class Client:
    """Talks to one simulated exchange."""

    def __init__(self, exchange: Exchange, port: int, http: aiohttp.ClientSession) -> None:
        self.exchange = exchange
        self.ws_url = f"ws://127.0.0.1:{port}"
        self.rest_url = f"http://127.0.0.1:{port}"
        self.http = http

    def connect(
        self, symbols: Iterable[str] = SYMBOLS, max_queue: int | None = None
    ) -> websockets.connect:
        """A combined-stream connection to the aggregate trades of these symbols."""
        streams = "/".join(stream_name(symbol) for symbol in symbols)
        return self.open(f"/stream?streams={streams}", max_queue)

    def open(self, path: str, max_queue: int | None = None) -> websockets.connect:
        """A websocket to any path; a short queue makes a slow reader."""
        return websockets.connect(
            self.ws_url + path, compression=None, max_queue=max_queue, ping_interval=None
        )

    async def get(self, path: str, **params: object) -> Any:
        """The JSON that a path answers."""
        query = {name: str(value) for name, value in params.items()}
        async with self.http.get(self.rest_url + path, params=query) as response:
            return orjson.loads(await response.read())

    async def post(self, path: str, body: object) -> tuple[int, Any]:
        """Status and JSON after posting JSON."""
        async with self.http.post(self.rest_url + path, json=body) as response:
            return response.status, orjson.loads(await response.read())


@contextlib.asynccontextmanager
async def simulated(
    source: Source, *, speed: float = 0, faults: Sequence[str] = (), limits: Limits | None = None
) -> AsyncIterator[Client]:
    """Serve a source; `faults` in their text form."""
    exchange = Exchange(source, FaultSet(0, map(fault_specs.parse, faults)), speed)
    async with (
        aiohttp.ClientSession() as http,
        serving(exchange, limits or Limits(connects_per_5_minutes=10_000)) as running,
    ):
        yield Client(exchange, running.port, http)


def market(trades: int | None = 1000, **options: Any) -> MarketSource:
    """A market of two symbols at 1,000 trades/s in August 2024."""
    spec = MarketSpec(SYMBOLS, rate=1000.0, trades=trades)._replace(**options)
    return MarketSource(spec, 1_723_161_254_000_000)


def recorded(*paths: Path) -> RecordedSource:
    """Recorded files as a source."""
    return RecordedSource(paths)


async def receive(ws: websockets.ClientConnection, count: int) -> list[bytes]:
    """The next `count` frames as bytes."""
    return [await ws.recv(decode=False) for _ in range(count)]


async def receive_until_closed(ws: websockets.ClientConnection) -> list[bytes]:
    """All frames up to the end of the connection, however it ends."""
    frames: list[bytes] = []
    with contextlib.suppress(websockets.ConnectionClosed):
        while True:
            frames.append(await ws.recv(decode=False))
    return frames


def ids_of(frames: Iterable[bytes], symbol: str) -> list[int]:
    """The aggregate trade ids of a symbol, in order of arrival."""
    events = (orjson.loads(frame).get("data", {}) for frame in frames)
    return [event["a"] for event in events if event.get("s") == symbol]
