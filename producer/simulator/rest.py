"""The exchange's REST endpoints over the history, with its errors and its weights."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
from aiohttp import web

from producer.simulator.candles import MINUTE_US, Candle
from producer.simulator.exchange import Exchange
from producer.simulator.frames import rest_row
from producer.simulator.history import History
from producer.simulator.instruments import split
from producer.simulator.params import ApiError, Query, read_query
from producer.simulator.weights import Verdict, WeightMeter

_WEIGHTS: Final = {"aggTrades": 4, "klines": 2, "exchangeInfo": 20}
# Candles of a busy market take a while: let the feed and the pings run in between.
_BREATHE_EVERY: Final = 2_000
_USED: Final = "X-MBX-USED-WEIGHT"

Answer = Callable[[web.Request], Awaitable[Any]]


class Rest:
    """The handlers under `/api/v3`. Only trades that have happened are ever answered."""

    def __init__(self, exchange: Exchange, meter: WeightMeter) -> None:
        self._exchange = exchange
        self._meter = meter

    def routes(self) -> list[web.RouteDef]:
        """The routes to add to the application."""
        answers: dict[str, Answer] = {
            "aggTrades": self._agg_trades,
            "klines": self._klines,
            "exchangeInfo": self._exchange_info,
            "time": self._time,
            "ping": self._ping,
        }
        return [web.get(f"/api/v3/{name}", self._weighed(name, answers[name])) for name in answers]

    @property
    def _history(self) -> History:
        return self._exchange.source.history

    def _weighed(
        self, name: str, answer: Answer
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        weight = _WEIGHTS.get(name, 1)

        async def handle(request: web.Request) -> web.Response:
            verdict = self._meter.charge(weight, time.time())
            if verdict.status != 200:
                return self._refusal(verdict)
            try:
                body, status = await answer(request), 200
            except ApiError as error:
                body, status = {"code": error.code, "msg": str(error)}, 400
            headers = {_USED: str(verdict.used), f"{_USED}-1M": str(verdict.used)}
            return json_response(body, status, headers)

        return handle

    def _refusal(self, verdict: Verdict) -> web.Response:
        headers = {
            "Retry-After": str(verdict.retry_after),
            _USED: str(verdict.used),
            f"{_USED}-1M": str(verdict.used),
        }
        return json_response(refusal(verdict, self._meter.limit), verdict.status, headers)

    async def _agg_trades(self, request: web.Request) -> list[dict[str, object]]:
        query = read_query(request.query, self._history.symbols())
        if query.from_id is not None:
            ticks = self._history.from_id(query.symbol, query.from_id, query.limit)
        elif query.start is not None:
            found = self._history.between(query.symbol, query.start, query.end)
            ticks = [tick for tick, _ in zip(found, range(query.limit), strict=False)]
        else:
            ticks = self._history.latest(query.symbol, query.end, query.limit)
        return [rest_row(tick) for tick in ticks]

    async def _klines(self, request: web.Request) -> list[list[object]]:
        if request.query.get("interval") != "1m":
            raise ApiError(-1120, "Invalid interval.")
        query = read_query(request.query, self._history.symbols())
        span = self._minutes(query)
        return [candle.row() for candle in await self._candles(query.symbol, *span)] if span else []

    def _minutes(self, query: Query) -> tuple[int, int] | None:
        """Open times of the first and the last candle asked for, µs; None for none at all."""
        first = self._history.from_id(query.symbol, 0, 1)
        latest = self._history.latest(query.symbol, None, 1)
        if not first or not latest:
            return None
        low, high = _minute(first[0].time), _minute(max(latest[0].time, self._exchange.now()))
        if query.end is not None:
            high = min(high, _minute(query.end))
        room = (query.limit - 1) * MINUTE_US
        if query.start is None:
            return max(low, high - room), high
        low = max(low, _minute(query.start + MINUTE_US - 1))
        return low, min(high, low + room)

    async def _candles(self, symbol: str, low: int, high: int) -> list[Candle]:
        before = self._history.latest(symbol, low - 1, 1)
        candles: list[Candle] = []
        last = (before or self._history.from_id(symbol, 0, 1))[0].price
        ticks = self._history.between(symbol, low, high + MINUTE_US - 1)
        for count, tick in enumerate(ticks, 1):
            while low <= _minute(tick.time):
                candles.append(Candle(low, candles[-1].close if candles else last))
                low += MINUTE_US
            candles[-1].add(tick)
            if count % _BREATHE_EVERY == 0:
                await asyncio.sleep(0)
        close = candles[-1].close if candles else last
        return candles + [Candle(at, close) for at in range(low, high + 1, MINUTE_US)]

    async def _exchange_info(self, request: web.Request) -> dict[str, object]:
        del request
        limit = {
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": self._meter.limit,
        }
        return {
            "timezone": "UTC",
            "serverTime": self._exchange.now() // 1000,
            "rateLimits": [limit],
            "exchangeFilters": [],
            "symbols": [_listing(symbol) for symbol in self._history.symbols()],
        }

    async def _time(self, request: web.Request) -> dict[str, int]:
        del request
        return {"serverTime": self._exchange.now() // 1000}

    async def _ping(self, request: web.Request) -> dict[str, object]:
        del request
        return {}


def json_response(
    body: object, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """JSON as the exchange writes it: compact, UTF-8."""
    return web.Response(
        body=orjson.dumps(body), status=status, headers=headers, content_type="application/json"
    )


def refusal(verdict: Verdict, limit: int) -> dict[str, object]:
    """The body of a 429 or a 418."""
    if verdict.status == 418:
        until = (int(time.time()) + verdict.retry_after) * 1000
        text = f"Way too much request weight used; IP banned until {until}."
    else:
        text = (
            f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE."
        )
    return {"code": -1003, "msg": f"{text} Please use WebSocket Streams for live updates."}


def _minute(time_us: int) -> int:
    return time_us // MINUTE_US * MINUTE_US


def _listing(symbol: str) -> dict[str, object]:
    base, quote = split(symbol)
    return {
        "symbol": symbol,
        "status": "TRADING",
        "baseAsset": base,
        "quoteAsset": quote,
        "isSpotTradingAllowed": True,
    }
