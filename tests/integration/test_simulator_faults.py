"""Faults as a client meets them, and the truth that a proof is held against."""

import asyncio
import time

import orjson
import websockets

from lakehouse.errors import UnreadableError
from lakehouse.exchanges import binance
from tests.simulated import SYMBOLS, Client, ids_of, market, receive_until_closed, simulated


async def everything(client: Client) -> list[bytes]:
    """All frames of one connection until the exchange is quiet."""
    frames: list[bytes] = []
    async with client.connect() as ws:
        while True:
            try:
                async with asyncio.timeout(0.3):
                    frames.append(await ws.recv(decode=False))
            except TimeoutError:
                if client.exchange.finished:
                    return frames


def readable(frame: bytes) -> bool:
    try:
        binance.parse_trade(binance.event_of(binance.parse_frame(frame)), 0)
    except UnreadableError:
        return False
    return True


async def test_truth_counts_what_faults_withhold_and_add() -> None:
    faults = ["drop:BTCUSDT:1000100-1000199", "garbage:0.05", "duplicate:0.1", "reorder:1s"]
    async with simulated(market(4000), faults=faults) as client:
        frames = await everything(client)
        truth = await client.get("/control/truth")
        status = await client.get("/control/status")
    good = [frame for frame in frames if readable(frame)]
    ids = {symbol: ids_of(good, symbol) for symbol in SYMBOLS}
    dropped = set(range(1_000_100, 1_000_200))
    assert set(ids["BTCUSDT"]) == set(range(1_000_000, 1_002_000)) - dropped
    assert set(ids["ETHUSDT"]) == set(range(1_000_000, 1_002_000))
    extent = {"first_id": 1_000_000, "last_id": 1_001_999, "count": 2000}
    assert truth["symbols"] == {"BTCUSDT": extent, "ETHUSDT": extent}
    assert truth["trades"] == 4000
    assert truth["garbage"] == truth["garbage_sent"] == len(frames) - len(good) > 100
    assert truth["duplicates"] == len(good) - 3900 > 200
    assert status["frames_sent"] == len(frames)
    assert status["faults"]["drop"] == 100
    assert status["faults"]["reorder"] > 200
    assert ids["ETHUSDT"] != sorted(ids["ETHUSDT"])


async def test_disconnects_also_in_mid_frame_lose_trades_that_rest_still_has() -> None:
    for mid_frame in (0, 1):
        faults = [f"disconnect:every=500,mid_frame={mid_frame},times=3"]
        async with simulated(market(5000), faults=faults) as client:
            frames: list[bytes] = []
            for _ in range(3):
                async with client.connect() as ws:
                    got = await receive_until_closed(ws)
                    assert ws.close_code == 1006
                    assert len(got) == 500
                    frames += got
            frames += await everything(client)
            assert all(readable(frame) for frame in frames)
            missing = {*range(1_000_000, 1_002_500)} - set(ids_of(frames, "BTCUSDT"))
            assert missing
            rows = await client.get(
                "/api/v3/aggTrades", symbol="BTCUSDT", fromId=min(missing), limit=1
            )
            assert rows[0]["a"] == min(missing)
            assert client.exchange.faults.fired["disconnect"] == 3


async def test_a_stalled_connection_answers_pings_and_sends_no_data() -> None:
    faults = ["stall:after=100,seconds=0.8"]
    async with (
        simulated(market(100_000, rate=1000.0), speed=1, faults=faults) as client,
        client.connect() as ws,
    ):
        times = []
        for _ in range(110):
            await ws.recv()
            times.append(time.monotonic())
            if len(times) == 100:
                await (await ws.ping())
        assert times[100] - times[99] > 0.7
        assert client.exchange.source.trades_emitted > 800


async def test_one_symbol_may_die_inside_a_live_connection() -> None:
    faults = ["stall:after=100,seconds=60,symbol=ETHUSDT"]
    async with simulated(market(1000), faults=faults) as client:
        frames = await everything(client)
    assert len(ids_of(frames, "BTCUSDT")) == 500
    assert len(ids_of(frames, "ETHUSDT")) == 50


async def test_a_shutdown_is_announced_before_the_connection_ends() -> None:
    faults = ["shutdown:after=50,grace=0.3"]
    async with simulated(market(200), faults=faults) as client, client.connect() as ws:
        began = time.monotonic()
        frames = await receive_until_closed(ws)
        assert time.monotonic() - began > 0.25
        assert orjson.loads(frames[50])["e"] == "serverShutdown"
        assert len(frames) == 201


async def test_max_age_can_be_armed_while_connections_live() -> None:
    async with simulated(market(5)) as client, client.connect() as ws:
        await client.post("/control/faults", "max-age:0.2")
        try:
            async with asyncio.timeout(3):
                while True:
                    await ws.recv()
        except websockets.ConnectionClosed:
            assert ws.close_code == 1001


async def test_garbage_reaches_every_connection_whatever_it_listens_to() -> None:
    async with (
        simulated(market(400), faults=["garbage:0.2"]) as client,
        client.open("/ws") as idle,
        client.connect() as ws,
    ):
        frames = [await ws.recv(decode=False) for _ in range(400)]
        garbage = [frame for frame in frames if not readable(frame)]
        assert len(garbage) > 40
        assert [await idle.recv(decode=False) for _ in garbage] == garbage


async def test_held_frames_come_in_their_time_even_after_the_last_trade() -> None:
    async with (
        simulated(market(100), speed=2, faults=["reorder:1s,p=1"]) as client,
        client.connect() as ws,
    ):
        began = time.monotonic()
        frames = [await ws.recv(decode=False) for _ in range(100)]
        assert time.monotonic() - began > 0.35
        assert sorted(ids_of(frames, "BTCUSDT")) == list(range(1_000_000, 1_000_050))
        assert (await client.get("/control/status"))["finished"] is True
