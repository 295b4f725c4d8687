"""The fleet on scripted servers: every frame is handed over, and lost lines come back."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import orjson
import pytest

from producer.connection import HIGH_BYTES, WINDOW_BYTES
from producer.lifeline import Policy
from producer.protocol import NOT_SUBSCRIBED
from producer.topics import MAX_FRAME_BYTES
from tests.integration.fleets import QUICK, Rig, sailing
from tests.integration.producer_exchange import (
    ABORT,
    CLOSE,
    STAY,
    Exchange,
    Script,
    frame,
    until,
)


@asynccontextmanager
async def scripted(
    scripts: Sequence[Script], policy: Policy = QUICK
) -> AsyncIterator[tuple[Rig, Exchange]]:
    """A fleet beside an exchange that plays the scripts, one a connection."""
    async with Exchange(scripts).running() as exchange, sailing(exchange.url, policy) as rig:
        yield rig, exchange


async def test_frames_arrive_in_order_and_all_are_handed_over() -> None:
    frames: Script = [frame(number) for number in range(5000)]
    async with scripted([[*frames, STAY]]) as (rig, exchange):
        await until(lambda: len(rig.ids) == 5000)
        await until(lambda: rig.fleet.ready)
        assert rig.fleet.connected == rig.counters.connected == rig.fleet.shards == 1
    assert rig.ids == list(range(5000))
    assert rig.counters.frames_received == 5000 and rig.counters.connected == 0
    assert exchange.paths == ["/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade"]


async def test_every_kind_of_frame_has_its_place() -> None:
    garbage = [b"\xff\xfe\x00", b"", b'{"data":', b"\x00" * 200_000]
    answer = orjson.dumps({"result": None, "id": 1})
    stranger = frame(9, "DOGEUSDT")
    script: Script = [frame(1), *garbage, answer, stranger, frame(2), STAY]
    async with scripted([script]) as (rig, _):
        await until(lambda: len(rig.intake.taken) == 8)
    assert [letter.raw for letter in rig.intake.letters] == [*garbage, stranger]
    reasons = [letter.reason for letter in rig.intake.letters]
    assert reasons == ["not_json", "empty_frame", "not_json", "not_json", NOT_SUBSCRIBED]
    assert len(rig.intake.controls) == 1 and rig.ids == [1, 2]
    assert rig.counters.frames_received == 8


async def test_it_reconnects_after_a_close_and_after_a_cut_line() -> None:
    scripts: list[Script] = [[frame(1), CLOSE], [frame(2), ABORT], [frame(2), frame(5), STAY]]
    async with scripted(scripts) as (rig, _):
        await until(lambda: len(rig.ids) == 4)
        await until(lambda: rig.counters.reconnects == 2)
    assert rig.ids == [1, 2, 2, 5]
    assert rig.counters.rotations == 0


async def test_an_exchange_that_is_away_is_tried_again() -> None:
    async with Exchange([]).running() as gone:
        url = gone.url
    async with sailing(url) as rig:
        await until(lambda: rig.counters.connect_failures >= 3)
        assert not rig.fleet.ready and rig.fleet.connected == 0
    assert rig.counters.reconnects == 0


async def test_server_shutdown_moves_to_a_new_connection_without_losing_what_came() -> None:
    shutdown = orjson.dumps({"e": "serverShutdown", "E": 1})
    scripts: list[Script] = [[frame(1), shutdown, frame(2), frame(3), STAY], [frame(4), STAY]]
    async with scripted(scripts) as (rig, _):
        await until(lambda: rig.counters.rotations == 1)
        await until(lambda: len(rig.ids) == 4)
    assert rig.ids == [1, 2, 3, 4]
    assert rig.counters.reconnects == 0 and len(rig.intake.controls) == 1


async def test_the_old_connection_is_kept_until_the_new_one_brings_trades() -> None:
    shutdown = orjson.dumps({"e": "serverShutdown", "E": 1})
    scripts: list[Script] = [[frame(1), shutdown, STAY], [STAY]]
    policy = Policy(overlap=0.5, first_backoff=0.02, spacing=0.0)
    async with scripted(scripts, policy) as (rig, exchange):
        await until(lambda: len(exchange.paths) == 2)
        await asyncio.sleep(0.2)
        assert rig.counters.rotations == 0
        await until(lambda: rig.counters.rotations == 1)


async def test_in_a_quiet_market_a_rotation_is_no_reason_to_close_the_new_connection() -> None:
    shutdown = orjson.dumps({"e": "serverShutdown", "E": 1})
    scripts: list[Script] = [[frame(1), shutdown, STAY], [STAY]]
    policy = Policy(overlap=0.4, silence=1.0, first_backoff=0.02, spacing=0.0)
    async with scripted(scripts, policy) as (rig, _):
        await until(lambda: rig.counters.rotations == 1)
        # Silent for 1.2 s by now, but only for 0.8 s of them in charge.
        await asyncio.sleep(0.8)
        assert rig.counters.silent_connections == 0 and rig.fleet.ready


async def test_a_silent_connection_is_replaced() -> None:
    scripts: list[Script] = [[frame(1), STAY], [frame(2), STAY]]
    policy = Policy(silence=0.2, first_backoff=0.02, spacing=0.0)
    async with scripted(scripts, policy) as (rig, _):
        await until(lambda: len(rig.ids) == 2)
        await until(lambda: rig.counters.reconnects >= 1)
        assert rig.counters.silent_connections >= 1


async def test_no_room_stops_the_reading_and_nothing_is_lost() -> None:
    padding = "x" * 20_000
    frames: Script = [frame(number, pad=padding) for number in range(2000)]
    policy = Policy(silence=0.3, first_backoff=0.02)
    async with scripted([[*frames, STAY]], policy) as (rig, exchange):
        open_ = False
        rig.intake.room = lambda: open_ or len(rig.intake.taken) < 10
        await until(lambda: len(rig.ids) == 10)
        await asyncio.sleep(0.6)
        assert rig.counters.frames_received <= 11
        assert exchange.sent * 20_000 < 2 * (HIGH_BYTES + WINDOW_BYTES) + 8_000_000
        open_ = True
        await until(lambda: len(rig.ids) == 2000, 20)
        assert rig.counters.reconnects == 0
    assert rig.ids == list(range(2000))
    assert rig.counters.frames_received == 2000
    assert 0.5 < rig.counters.backpressure_seconds < 5


async def test_a_frame_over_the_limit_ends_the_connection_and_is_counted() -> None:
    scripts: list[Script] = [[frame(1), b"x" * (MAX_FRAME_BYTES + 1), STAY], [frame(2), STAY]]
    async with scripted(scripts) as (rig, _):
        await until(lambda: len(rig.ids) == 2)
    assert rig.counters.oversized_frames == 1


async def test_stop_hands_over_what_was_received() -> None:
    frames: Script = [frame(number) for number in range(3000)]
    async with scripted([[*frames, STAY]]) as (rig, _):
        await until(lambda: rig.counters.frames_received > 0)
    assert rig.ids == list(range(len(rig.ids)))
    assert rig.counters.frames_received == len(rig.ids)


async def test_stop_does_not_wait_for_a_broker_that_is_away() -> None:
    async with scripted([[*[frame(number) for number in range(3000)], STAY]]) as (rig, _):
        rig.intake.room = lambda: False
        await until(lambda: rig.counters.frames_received > 0)
    assert rig.intake.taken == []


async def test_an_error_of_the_intake_ends_the_fleet() -> None:
    def broken() -> bool:
        raise RuntimeError("refused for good")

    with pytest.raises(RuntimeError, match="refused for good"):
        async with scripted([[frame(1), STAY]]) as (rig, _):
            rig.intake.room = broken
            await until(lambda: rig.counters.frames_received > 0)
            await asyncio.sleep(0.1)
