"""The REST side and its faults, with a real client over a real port."""

import asyncio
import time
from collections.abc import Mapping
from itertools import pairwise

from lakehouse.exchanges import binance
from producer.simulator.options import Limits
from tests.simulated import Client, market, receive, simulated


async def headers(client: Client, path: str) -> tuple[int, Mapping[str, str]]:
    async with client.http.get(client.rest_url + path) as response:
        return response.status, response.headers


async def test_rest_gives_every_trade_that_happened_and_no_other() -> None:
    async with simulated(market(3000)) as client, client.connect() as ws:
        frames = await receive(ws, 3000)
        trades = [binance.parse_trade(binance.event_of(binance.parse_frame(f)), 0) for f in frames]
        wanted = [trade for trade in trades if trade.symbol == "ETHUSDT"]
        rows: list[dict[str, object]] = []
        while page := await client.get(
            "/api/v3/aggTrades", symbol="ETHUSDT", fromId=1_000_000 + len(rows), limit=1000
        ):
            rows.extend(page)
        got = [binance.parse_rest_trade("ETHUSDT", row, 0) for row in rows]
        assert [t._replace(event_time=0, source="ws") for t in got] == [
            t._replace(event_time=0) for t in wanted
        ]
        assert all(row["M"] is True for row in rows)


async def test_the_ways_to_ask_for_trades() -> None:
    async with simulated(market(1000, rate=100.0)) as client, client.connect() as ws:
        await receive(ws, 1000)
        path, begin = "/api/v3/aggTrades", 1_723_161_254_000
        every = await client.get(path, symbol="BTCUSDT")
        assert [row["a"] for row in every] == list(range(1_000_000, 1_000_500))
        latest = await client.get(path, symbol="BTCUSDT", limit=3)
        assert latest == every[-3:]
        some = await client.get(
            path, symbol="BTCUSDT", startTime=begin + 1000, endTime=begin + 2000
        )
        assert some == [row for row in every if begin + 1000 <= row["T"] <= begin + 2000] != []
        since = await client.get(path, symbol="BTCUSDT", startTime=begin + 1000, limit=2)
        assert since == some[:2]
        until = await client.get(path, symbol="BTCUSDT", endTime=begin + 2000, limit=2)
        assert until == some[-2:]


async def test_errors_are_the_exchange_s() -> None:
    async with simulated(market(0)) as client:
        url = client.rest_url + "/api/v3/aggTrades?symbol=NOPE"
        async with client.http.get(url) as response:
            assert response.status == 400
            assert await response.read() == b'{"code":-1121,"msg":"Invalid symbol."}'
        bad = await client.get("/api/v3/klines", symbol="BTCUSDT", interval="7m")
        assert bad == {"code": -1120, "msg": "Invalid interval."}
        assert (await headers(client, "/api/v3/nothing"))[0] == 404


async def test_the_listing_the_time_and_the_ping() -> None:
    async with simulated(market(10)) as client, client.connect() as ws:
        await receive(ws, 10)
        info = await client.get("/api/v3/exchangeInfo")
        listed = [(s["symbol"], s["quoteAsset"], s["status"]) for s in info["symbols"]]
        assert listed == [("BTCUSDT", "USDT", "TRADING"), ("ETHUSDT", "USDT", "TRADING")]
        assert (await client.get("/api/v3/time"))["serverTime"] // 1000 == 1_723_161_254
        assert await client.get("/api/v3/ping") == {}


async def test_candles_cover_every_minute_and_trade() -> None:
    async with simulated(market(1000, rate=5.0)) as client, client.connect() as ws:
        await receive(ws, 1000)
        rows = await client.get("/api/v3/klines", symbol="BTCUSDT", interval="1m")
        assert [b[0] - a[0] for a, b in pairwise(rows)] == [60_000] * 3
        ticks = await client.get("/api/v3/aggTrades", symbol="BTCUSDT", limit=1000)
        assert sum(row[8] for row in rows) == sum(t["l"] - t["f"] + 1 for t in ticks)
        last = await client.get("/api/v3/klines", symbol="BTCUSDT", interval="1m", limit=2)
        assert last == rows[-2:]
        one = await client.get(
            "/api/v3/klines", symbol="BTCUSDT", interval="1m",
            startTime=rows[1][0], endTime=rows[1][6],
        )  # fmt: skip
        assert one == rows[1:2]


async def test_weight_is_counted_refused_and_banned() -> None:
    # The window is the clock's minute: don't begin at the end of one.
    left = 60 - time.time() % 60
    await asyncio.sleep(left if left < 5 else 0)
    limits = Limits(weight_per_minute=30)
    async with simulated(market(0), limits=limits) as client:
        used = []
        for path in ("aggTrades?symbol=BTCUSDT", "klines?symbol=BTCUSDT&interval=1m",
                     "exchangeInfo", "ping"):  # fmt: skip
            status, head = await headers(client, f"/api/v3/{path}")
            assert status == 200
            used.append(int(head["X-MBX-USED-WEIGHT-1M"]))
        assert used == [4, 6, 26, 27]
        statuses = [(await headers(client, "/api/v3/exchangeInfo"))[0] for _ in range(8)]
        assert statuses[-1] == 418
        assert 429 in statuses


async def test_rest_faults() -> None:
    async with simulated(market(2000)) as client, client.connect() as ws:
        await receive(ws, 2000)
        path = "/api/v3/aggTrades?symbol=BTCUSDT&limit=1000"
        status, answer = await client.post("/control/faults", "rest-status:429,times=2")
        assert (status, answer["faults"][0]["status"]) == (200, 429)
        assert [(await headers(client, path))[0] for _ in range(3)] == [429, 429, 200]
        await client.post("/control/faults", {"kind": "rest-holes", "probability": 0.2})
        holed = await client.get("/api/v3/aggTrades", symbol="BTCUSDT", limit=1000)
        assert 700 < len(holed) < 900
        await client.http.delete(client.rest_url + "/control/faults")
        assert len(await client.get("/api/v3/aggTrades", symbol="BTCUSDT", limit=1000)) == 1000
        await client.post("/control/faults", ["rest-garbage:1"])
        async with client.http.get(client.rest_url + path) as response:
            body = await response.read()
        assert body.startswith(b'[{"a":')
        assert not body.endswith(b"]")
        fired = (await client.get("/control/status"))["faults"]
        assert fired == {"rest-status": 2, "rest-holes": 1000 - len(holed), "rest-garbage": 1}


async def test_a_bad_fault_at_run_time_is_refused_with_a_sentence() -> None:
    async with simulated(market(0)) as client:
        status, answer = await client.post("/control/faults", "duplicate:7")
        assert status == 400
        assert "probability" in answer["error"]
        assert (await client.get("/control/faults")) == {"faults": []}
