"""The REST client against servers that behave badly, and what its budget makes of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, NamedTuple

import pytest
from aiohttp import web

from producer.budget import BANNED, RATE_LIMITED, WeightBudget
from producer.metrics import Counters
from producer.rest import RestClient
from producer.rest_errors import (
    Banned,
    RateLimited,
    RestError,
    ServerError,
    Unreachable,
    WrongAnswer,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Asked(NamedTuple):
    """A client of a server, and what stands behind it. `clock[0]` is the budget's time."""

    client: RestClient
    budget: WeightBudget
    counters: Counters
    clock: list[float]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def asked(url: str) -> AsyncIterator[Asked]:
    budget, counters, clock = WeightBudget(4800), Counters(), [1000.0]
    async with RestClient(url, budget, counters, lambda: clock[0], read_seconds=0.3) as client:
        yield Asked(client, budget, counters, clock)


def answering(
    status: int, body: bytes = b"[]", headers: Mapping[str, str] | None = None
) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        del request
        return web.Response(status=status, body=body, headers=headers)

    return answer


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (500, ServerError, "status_500"),
        (503, ServerError, "status_503"),
        (400, WrongAnswer, "status_400"),
        (404, WrongAnswer, "status_404"),
        (451, WrongAnswer, "status_451"),
        (204, WrongAnswer, "status_204"),
        (302, WrongAnswer, "status_302"),
    ],
)
async def test_each_status_is_one_kind_of_error(
    status: int, kind: type[RestError], reason: str
) -> None:
    handler = answering(status, b'{"code":-1121}', {"Location": "/elsewhere"})
    async with serving(handler) as url, asked(url) as a:
        with pytest.raises(kind) as caught:
            await a.client.agg_trades("S", 1)
        assert caught.value.reason == reason
        assert a.counters.rest_requests == {kind.outcome: 1}
        assert a.budget.paused(a.clock[0]) == ""


@pytest.mark.parametrize(
    ("status", "headers", "kind", "reason", "seconds"),
    [
        (429, {"Retry-After": "7"}, RateLimited, RATE_LIMITED, 7),
        (429, {}, RateLimited, RATE_LIMITED, 60),
        (429, {"Retry-After": "0"}, RateLimited, RATE_LIMITED, 1),
        (429, {"Retry-After": "soon"}, RateLimited, RATE_LIMITED, 60),
        (418, {"Retry-After": "300"}, Banned, BANNED, 300),
        (418, {}, Banned, BANNED, 120),
        (418, {"Retry-After": "999999999999"}, Banned, BANNED, 3 * 86_400),
        (403, {}, Banned, BANNED, 120),
    ],
)
async def test_a_refusal_stops_everything_for_as_long_as_it_says(
    status: int, headers: dict[str, str], kind: type[RestError], reason: str, seconds: float
) -> None:
    async with serving(answering(status, headers=headers)) as url, asked(url) as a:
        with pytest.raises(kind):
            await a.client.agg_trades("S", 1)
        assert a.budget.paused(a.clock[0]) == reason
        assert a.budget.room(1, a.clock[0]) == seconds
        assert a.counters.rest_paused_seconds == seconds


async def test_retry_after_may_be_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    async with serving(answering(429, headers={"Retry-After": date})) as url, asked(url) as a:
        with pytest.raises(RateLimited):
            await a.client.agg_trades("S", 1)
        assert 85 < a.budget.room(1, a.clock[0]) <= 90


async def test_the_used_weight_is_heeded_until_the_exchange_s_minute_is_over() -> None:
    date = "Sat, 21 Nov 2026 12:32:38 GMT"
    handler = answering(200, headers={"X-MBX-USED-WEIGHT-1M": "4799", "Date": date})
    async with serving(handler) as url, asked(url) as a:
        assert await a.client.agg_trades("S", 1) == []
        assert a.counters.rest_weight_used == 4799
        assert a.budget.room(4, a.clock[0]) == 23


@pytest.mark.parametrize("weight", ["", "-5", "many", "9" * 40, "²"])
async def test_a_used_weight_that_is_none_is_ignored(weight: str) -> None:
    headers = {"X-MBX-USED-WEIGHT-1M": weight}
    async with serving(answering(200, headers=headers)) as url, asked(url) as a:
        await a.client.agg_trades("S", 1)
        assert a.budget.room(4, a.clock[0]) == 0


async def test_no_answer_or_half_an_answer_is_unreachable() -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"[")
        if request.query["symbol"] == "CUT":
            assert request.transport is not None
            request.transport.abort()
        return await _never(response)

    async with serving(silent) as url, asked(url) as a:
        for symbol in ("SLOW", "CUT"):
            with pytest.raises(Unreachable):
                await a.client.agg_trades(symbol, 1)
        assert a.counters.rest_requests == {"unreachable": 2}
    async with asked(url) as a:
        with pytest.raises(Unreachable) as caught:
            await a.client.agg_trades("S", 1)
        assert caught.value.reason == "ClientConnectorError"


async def _never(response: web.StreamResponse) -> web.StreamResponse:
    await asyncio.sleep(5)
    return response


@pytest.mark.parametrize("packed", [False, True])
async def test_an_endless_answer_is_cut_off(packed: bool) -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if packed:
            response.enable_compression(web.ContentCoding.gzip)
        await response.prepare(request)
        while True:
            await response.write(b" " * 1_000_000)

    async with serving(flood) as url, asked(url) as a:
        with pytest.raises(WrongAnswer, match="too_large"):
            await a.client.agg_trades("S", 1)


async def test_json_of_any_path() -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.json_response({"path": request.path, "query": dict(request.query)})

    async with serving(echo) as url, asked(url) as a:
        answer: Any = await a.client.get_json("/api/v3/exchangeInfo", {"x": "Ä&="}, 20)
        assert answer == {"path": "/api/v3/exchangeInfo", "query": {"x": "Ä&="}}
    async with serving(answering(200, b"<html>")) as url, asked(url) as a:
        with pytest.raises(WrongAnswer, match="not_json"):
            await a.client.get_json("/", {}, 1)


async def test_the_environment_s_proxy_is_used_but_not_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosts: list[str] = []

    async def note(request: web.Request) -> web.Response:
        hosts.append(request.host)
        return web.Response(body=b"[]")

    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with serving(note) as url:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        async with asked(url) as direct:
            assert await direct.client.agg_trades("S", 1) == []
        monkeypatch.setenv("http_proxy", url)
        async with asked("http://exchange.invalid") as proxied:
            assert await proxied.client.agg_trades("S", 1) == []
    assert hosts == [url.removeprefix("http://"), "exchange.invalid"]
