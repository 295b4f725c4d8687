"""cryptofeed: its Binance feed and its Kafka backend, acks=all; without a broker, its feed alone.

Its endpoints are overridden, as its documentation tells. It insists on wss://: the hook that
authenticates a connection turns that into ws://, so that nobody here pays for TLS. It takes
uvloop by itself. Messages are not changed; the backend awaits each acknowledgement in turn, so the
order of receipts is the order of acknowledgements.
"""

import asyncio
import time
from collections import deque
from typing import Any

from cryptofeed import FeedHandler  # type: ignore[import-not-found]
from cryptofeed.backends import kafka  # type: ignore[import-not-found]
from cryptofeed.connection import (  # type: ignore[import-not-found]
    RestEndpoint,
    Routes,
    WebsocketEndpoint,
)
from cryptofeed.defines import TRADES  # type: ignore[import-not-found]
from cryptofeed.exchanges import Binance  # type: ignore[import-not-found]

from benchmarks.clients.report import Acknowledgements, Task, task, tell

ASKED = task()
_SYMBOLS = ["BTC-USDT", "ETH-USDT"]


class LocalBinance(Binance):  # type: ignore[misc]
    websocket_endpoints = [WebsocketEndpoint(f"wss{ASKED.url[2:]}", authentication=True)]  # noqa: RUF012
    rest_endpoints = [RestEndpoint(f"http{ASKED.url[2:]}", routes=Routes("/api/v3/exchangeInfo"))]  # noqa: RUF012

    async def _ws_authentication(
        self, address: str, options: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        return address.replace("wss://", "ws://"), options


class _TimedProducer(kafka.AIOKafkaProducer):  # type: ignore[misc]
    """aiokafka's producer, its acknowledgements counted."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._acknowledgements = Acknowledgements(ASKED.frames)

    async def send(self, *message: Any) -> Any:
        future = await super().send(*message)
        future.add_done_callback(self._acknowledged)
        return future

    def _acknowledged(self, future: Any) -> None:
        failed = future.exception() is not None
        if self._acknowledgements.add(RECEIVED.popleft(), failed):
            self._acknowledgements.tell()


RECEIVED: deque[float] = deque()


class _TradeKafka(kafka.TradeKafka):  # type: ignore[misc]
    async def __call__(self, trade: Any, receipt_timestamp: float) -> None:
        RECEIVED.append(receipt_timestamp)
        await super().__call__(trade, receipt_timestamp)


class _Nothing:
    def __init__(self, frames: int) -> None:
        self._left = frames

    async def __call__(self, trade: Any, receipt_timestamp: float) -> None:
        self._left -= 1
        if self._left == 0:
            tell(time.time(), ASKED.frames)


def _callback(asked: Task) -> Any:
    if not asked.kafka:
        return _Nothing(asked.frames)
    kafka.AIOKafkaProducer = _TimedProducer
    return _TradeKafka(key=asked.topic, bootstrap_servers=asked.kafka, acks="all")


if __name__ == "__main__":
    handler = FeedHandler(config={"uvloop": True, "log": {"disabled": True}})
    # The handler has set uvloop's policy, which in 0.23 makes no loop by itself any more.
    asyncio.set_event_loop(asyncio.new_event_loop())
    callbacks = {TRADES: _callback(ASKED)}
    handler.add_feed(LocalBinance(symbols=_SYMBOLS, channels=[TRADES], callbacks=callbacks))
    handler.run()
