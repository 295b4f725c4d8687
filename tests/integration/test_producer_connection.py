"""The pump over a real socket, with the in-memory sink."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random

import orjson
import structlog

from lakehouse.messages import decode
from producer.connection import MAX_QUEUE
from producer.memory_sink import DEAD_LETTERS, TRADES, MemorySink
from producer.metrics import Counters
from producer.protocol import Policy, Session
from producer.pump import Pump
from producer.topics import MAX_FRAME_BYTES
from tests.integration.producer_exchange import (
    ABORT,
    CLOSE,
    STAY,
    Exchange,
    Script,
    frame,
    until,
)

SYMBOLS = ("BTCUSDT", "ETHUSDT")
QUICK = Policy(first_backoff=0.02, most_backoff=0.05)


class Rig:
    """A pump beside its exchange, sink and figures."""

    def __init__(self, exchange: Exchange, policy: Policy, capacity: int) -> None:
        self.exchange = exchange
        self.counters = Counters(SYMBOLS)
        self.sink = MemorySink(self.counters, capacity)
        session = Session(exchange.url, SYMBOLS, Random(1), policy)
        self.pump = Pump(session, self.sink, self.counters, structlog.get_logger())

    @property
    def ids(self) -> list[int]:
        return [decode(record.value).agg_id for record in self.sink.records]


@asynccontextmanager
async def running(
    scripts: Sequence[Script], policy: Policy = QUICK, capacity: int = 100_000
) -> AsyncIterator[Rig]:
    """The pump at work; stopped at the end."""
    async with Exchange(scripts).running() as exchange:
        rig, stop = Rig(exchange, policy, capacity), asyncio.Event()
        task = asyncio.create_task(rig.pump.run(stop))
        yield rig
        stop.set()
        async with asyncio.timeout(5):
            await task


async def test_frames_arrive_in_order_and_all_are_accounted_for() -> None:
    frames: Script = [frame(number) for number in range(5000)]
    async with running([[*frames, STAY]]) as rig:
        await until(lambda: rig.counters.delivered == 5000)
    assert rig.ids == list(range(5000))
    assert rig.counters.unaccounted == 0 and rig.counters.gaps == 0
    assert rig.exchange.paths == ["/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade"]


async def test_every_kind_of_frame_has_its_place() -> None:
    garbage: Script = [b"\xff\xfe\x00", b"", b'{"data":', b"\x00" * 200_000]
    answer = orjson.dumps({"result": None, "id": 1})
    async with running([[frame(1), *garbage, answer, frame(2), STAY]]) as rig:
        await until(lambda: rig.counters.frames_received == 7)
        await until(lambda: rig.counters.unaccounted == 0)
    letters = [record for record in rig.sink.records if record.topic == DEAD_LETTERS]
    assert [letter.value for letter in letters] == garbage
    assert rig.counters.control_frames == 1 and rig.counters.delivered == 2
    assert rig.counters.dead_letters == {"not_json": 3, "empty_frame": 1}


async def test_it_reconnects_after_a_close_and_after_a_cut_line() -> None:
    scripts: list[Script] = [[frame(1), CLOSE], [frame(2), ABORT], [frame(2), frame(5), STAY]]
    async with running(scripts) as rig:
        await until(lambda: rig.counters.delivered == 4)
    assert rig.ids == [1, 2, 2, 5]
    assert rig.counters.reconnects == 2
    assert (rig.counters.duplicates, rig.counters.gaps, rig.counters.gap_ids) == (1, 1, 2)


async def test_an_exchange_that_is_away_is_tried_again() -> None:
    async with Exchange([]).running() as gone:
        url = gone.url
    counters, stop = Counters(SYMBOLS), asyncio.Event()
    session = Session(url, SYMBOLS, Random(1), QUICK)
    pump = Pump(session, MemorySink(counters), counters, structlog.get_logger())
    task = asyncio.create_task(pump.run(stop))
    await until(lambda: counters.connect_failures >= 3)
    stop.set()
    await asyncio.wait_for(task, 5)
    assert counters.connected == 0 and counters.reconnects == 0


async def test_server_shutdown_moves_to_a_new_connection_without_losing_what_came() -> None:
    shutdown = orjson.dumps({"e": "serverShutdown", "E": 1})
    scripts: list[Script] = [[frame(1), shutdown, frame(2), frame(3), STAY], [frame(4), STAY]]
    async with running(scripts) as rig:
        await until(lambda: rig.counters.delivered == 4)
    assert rig.ids == [1, 2, 3, 4]
    assert rig.counters.control_frames == 1 and rig.counters.unaccounted == 0


async def test_a_silent_connection_is_replaced() -> None:
    scripts: list[Script] = [[frame(1), STAY], [frame(2), STAY]]
    async with running(scripts, Policy(silence=0.2, first_backoff=0.02)) as rig:
        await until(lambda: rig.counters.delivered == 2)
    assert rig.counters.reconnects >= 1


async def test_a_full_sink_stops_the_reading_and_nothing_is_lost() -> None:
    padding = "x" * 20_000
    frames: Script = [frame(number, pad=padding) for number in range(2000)]
    async with running([[*frames, STAY]], Policy(silence=0.3), capacity=10) as rig:
        rig.sink.stalled = True
        await until(lambda: rig.counters.in_flight == 10)
        await asyncio.sleep(0.6)
        assert rig.counters.frames_received == 11
        assert rig.exchange.sent < 1000 + MAX_QUEUE
        rig.sink.stalled = False
        await until(lambda: rig.counters.delivered == 2000, 20)
    assert rig.ids == list(range(2000))
    assert rig.counters.backpressure_seconds > 0.5
    assert rig.counters.reconnects == 0


async def test_a_frame_over_the_limit_ends_the_connection_and_is_counted() -> None:
    scripts: list[Script] = [[frame(1), b"x" * (MAX_FRAME_BYTES + 1), STAY], [frame(2), STAY]]
    async with running(scripts) as rig:
        await until(lambda: rig.counters.delivered == 2)
    assert rig.counters.oversized_frames == 1


async def test_the_largest_frame_comes_through_whole() -> None:
    largest = b"\xff" * MAX_FRAME_BYTES
    async with running([[largest, STAY]]) as rig:
        await until(lambda: rig.counters.dlq_delivered == 1)
    assert rig.sink.records[0].value == largest


async def test_stop_hands_over_what_was_received() -> None:
    frames: Script = [frame(number) for number in range(300)]
    async with running([[*frames, STAY]]) as rig:
        await until(lambda: rig.counters.frames_received > 0)
    assert rig.sink.flush(0) == 0 and rig.counters.unaccounted == 0
    assert rig.ids == list(range(len(rig.ids)))
    assert all(record.topic == TRADES for record in rig.sink.records)
