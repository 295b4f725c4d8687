"""The websocket side, with a real client over a real port."""

import asyncio
import time

import orjson
import pytest
import websockets

from producer.simulator.frames import raw_payload
from producer.simulator.options import Limits
from producer.simulator.sources import first_frames
from tests.simulated import (
    SYMBOLS,
    Client,
    ids_of,
    market,
    receive,
    receive_until_closed,
    simulated,
)


async def test_every_frame_arrives_byte_for_byte_in_order() -> None:
    source = market(3000)
    source.begin(0)
    expected = [frame.payload for frame in first_frames(source, 3000)]
    async with simulated(market(3000)) as client, client.connect() as ws:
        assert await receive(ws, 3000) == expected
        status = await client.get("/control/status")
    assert (status["frames_sent"], status["frames_total"], status["finished"]) == (3000, 3000, True)
    assert (status["trades_emitted"], status["connections"], status["ready"]) == (3000, 1, True)


async def test_raw_streams_are_not_wrapped() -> None:
    source = market(100)
    source.begin(0)
    expected = [raw_payload(frame) for frame in first_frames(source, 100)[::2]]
    async with simulated(market(100)) as client, client.open("/ws/btcusdt@aggTrade") as ws:
        assert await receive(ws, 50) == expected


async def test_nothing_happens_before_somebody_listens() -> None:
    async with simulated(market(50)) as client, client.open("/ws") as ws:
        await asyncio.sleep(0.1)
        assert (await client.get("/control/status"))["trades_emitted"] == 0
        assert await client.get("/api/v3/aggTrades", symbol="BTCUSDT") == []
        await ws.send('{"method":"SUBSCRIBE","params":["ethusdt@aggTrade"],"id":1}')
        assert orjson.loads(await ws.recv()) == {"result": None, "id": 1}
        events = [orjson.loads(frame) for frame in await receive(ws, 25)]
        assert [event["s"] for event in events] == ["ETHUSDT"] * 25


async def test_unknown_streams_are_taken_silently_and_requests_answered() -> None:
    async with simulated(market(10)) as client, client.open("/stream?streams=no@no") as ws:
        await ws.send('{"method":"LIST_SUBSCRIPTIONS","id":3}')
        assert orjson.loads(await ws.recv()) == {"result": ["no@no"], "id": 3}
        await ws.send('{"method":"DANCE","id":4}')
        answer = orjson.loads(await ws.recv())
        assert (answer["error"]["code"], answer["id"]) == (2, 4)
        await ws.send("no json")
        assert orjson.loads(await ws.recv())["error"]["code"] == 3


async def test_two_clients_each_get_what_they_listen_to_and_a_late_one_misses() -> None:
    async with simulated(market(200, rate=100.0), speed=10) as client:
        async with client.connect(["BTCUSDT"]) as one, client.connect() as two:
            early, both = await asyncio.gather(receive(one, 20), receive(two, 40))
            async with client.connect() as late:
                rest = await receive(late, 20)
        assert ids_of(early, "BTCUSDT") == list(range(1_000_000, 1_000_020))
        assert len(ids_of(both, "ETHUSDT")) >= 18
        first = ids_of(rest, "BTCUSDT")[0]
        assert first > 1_000_015
        rows = await client.get("/api/v3/aggTrades", symbol="BTCUSDT", fromId=1_000_000)
        assert [row["a"] for row in rows][:16] == list(range(1_000_000, 1_000_016))


async def test_the_pace_is_the_schedule_s() -> None:
    async with simulated(market(101, rate=100.0), speed=5) as client, client.connect() as ws:
        began = time.monotonic()
        await receive(ws, 101)
        assert 0.15 < time.monotonic() - began < 1.5


async def test_a_slow_client_is_waited_for_at_speed_0() -> None:
    async with simulated(market(200_000)) as client, client.connect(max_queue=4) as ws:
        await asyncio.sleep(0.4)
        emitted = (await client.get("/control/status"))["trades_emitted"]
        assert 0 < emitted < 100_000
        await asyncio.sleep(0.2)
        assert (await client.get("/control/status"))["trades_emitted"] == emitted
        assert len(await receive(ws, 5000)) == 5000
        # A closing handshake would first read all that is still on its way.
        ws.transport.abort()


async def test_pings_carry_a_payload_and_a_client_that_answers_lives() -> None:
    limits = Limits(ping_interval=0.25, pong_timeout=0.6)
    async with simulated(market(10), limits=limits) as client, client.connect() as ws:
        await receive(ws, 10)
        await asyncio.sleep(1.3)
        await ws.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')
        assert orjson.loads(await ws.recv())["id"] == 1


async def dumb_client(client: Client) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Opens a websocket and then knows nothing of the protocol."""
    port = int(client.ws_url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(
        b"GET /stream?streams=btcusdt@aggTrade HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    return reader, writer


async def test_a_dead_client_holds_up_the_others_until_its_pong_is_overdue() -> None:
    limits = Limits(ping_interval=0.3, pong_timeout=0.5)
    async with simulated(market(100_000), limits=limits) as client:
        _, writer = await dumb_client(client)
        async with client.connect() as ws:
            async with asyncio.timeout(20):
                frames = await receive(ws, 10_000)
                while not client.exchange.finished:
                    frames.append(await ws.recv(decode=False))
            assert client.exchange.faults.fired["no-pong"] >= 1
        writer.transport.abort()


async def test_who_does_not_answer_pings_is_closed() -> None:
    limits = Limits(ping_interval=0.1, pong_timeout=0.3)
    async with simulated(market(0), limits=limits) as client:
        reader, writer = await dumb_client(client)
        everything = await asyncio.wait_for(reader.read(-1), 5)
        writer.close()
        _, _, frames = everything.partition(b"\r\n\r\n")
        assert frames.startswith(b"\x89\x0d1")
        assert b"Pong timeout" in frames
        assert client.exchange.faults.fired["no-pong"] == 1


async def test_a_connection_ends_when_it_is_too_old() -> None:
    async with simulated(market(5), limits=Limits(max_age=0.3)) as client, client.connect() as ws:
        assert len(await receive_until_closed(ws)) == 5
        assert ws.close_code == 1001


async def test_more_than_five_messages_a_second_end_the_connection() -> None:
    async with simulated(market(0)) as client, client.connect() as ws:
        for number in range(6):
            await ws.send(b'{"method":"LIST_SUBSCRIPTIONS","id":%d}' % number)
        assert len(await receive_until_closed(ws)) == 5
        assert ws.close_code == 1008


async def test_too_many_connects_are_refused() -> None:
    async with simulated(market(0), limits=Limits(connects_per_5_minutes=2)) as client:
        async with client.connect(), client.connect():
            with pytest.raises(websockets.InvalidStatus) as refused:
                await client.connect()
        assert refused.value.response.status_code == 429


async def test_1024_streams_are_the_most() -> None:
    async with simulated(market(0)) as client:
        path = "/ws/" + "/".join(f"s{number}" for number in range(1025))
        async with client.open(path) as ws:
            assert await receive_until_closed(ws) == []
            assert ws.close_code == 1008


async def test_a_client_that_is_gone_leaves_no_trace() -> None:
    async with simulated(market(None)) as client:
        async with client.connect(SYMBOLS) as ws:
            await receive(ws, 100)
        for _ in range(100):
            if not client.exchange.connections:
                break
            await asyncio.sleep(0.02)
        assert client.exchange.connections == 0
        assert client.exchange.frames_sent >= 100
