"""The fleet on the simulated exchange and its faults: what comes, comes whole and in order."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from producer.lifeline import Policy
from producer.simulator.options import Limits
from tests.integration.fleets import QUICK, SYMBOLS, Rig, sailing
from tests.integration.producer_exchange import until
from tests.simulated import Client, market, simulated

FIRST = 1_000_000
BUSY = Limits(connects_per_5_minutes=10_000)


@asynccontextmanager
async def at_sea(
    *faults: str,
    policy: Policy = QUICK,
    symbols: Sequence[str] = SYMBOLS,
    streams: int = 1024,
    limits: Limits = BUSY,
    traded: Sequence[str] = SYMBOLS,
) -> AsyncIterator[tuple[Rig, Client]]:
    """A fleet on an endless market of 1,000 trades a second."""
    source = market(None, symbols=traded)
    async with (
        simulated(source, speed=1, faults=faults, limits=limits) as exchange,
        sailing(exchange.ws_url, policy, symbols, streams) as rig,
    ):
        yield rig, exchange


def nothing_is_missing(rig: Rig) -> bool:
    """Whether per symbol every id from the first to the highest one came."""
    return all(
        set(ids) == set(range(FIRST, FIRST + len(set(ids)))) for ids in rig.intake.ids.values()
    )


def each_line_was_in_order(rig: Rig) -> bool:
    """Whether per symbol the ids rise, duplicates left out."""
    return all(list(dict.fromkeys(ids)) == sorted(set(ids)) for ids in rig.intake.ids.values())


def most_copies(rig: Rig) -> int:
    """How often the trade came that came most often."""
    return max(count for ids in rig.intake.ids.values() for count in Counter(ids).values())


async def test_rotations_lose_nothing_and_only_overlap() -> None:
    policy = Policy(rotate_after=0.6, first_backoff=0.02, spacing=0.0)
    async with at_sea(policy=policy) as (rig, exchange):
        await until(lambda: rig.counters.rotations == 4)
        assert exchange.exchange.connections <= 2
    assert nothing_is_missing(rig) and most_copies(rig) <= 2
    assert set(rig.intake.ids) == set(SYMBOLS)
    trades = len(rig.ids)
    assert trades - len(set(rig.intake.trades)) < trades / 2
    assert rig.counters.reconnects == 0 and rig.intake.letters == []
    assert rig.counters.frames_received == len(rig.intake.taken)


async def test_three_shards_each_rotate_on_their_own() -> None:
    names = tuple(f"S{number}USDT" for number in range(6))
    policy = Policy(rotate_after=1.0, jitter=0.5, first_backoff=0.02, spacing=0.02)
    async with at_sea(policy=policy, symbols=names, streams=2, traded=names) as (rig, exchange):
        await until(lambda: rig.fleet.ready)
        assert (rig.fleet.shards, rig.counters.connected) == (3, 3)
        await until(lambda: rig.counters.rotations >= 6)
        assert exchange.exchange.connections <= 6
    assert set(rig.intake.ids) == set(names)
    # A shard that connects later misses what passed before: its first id is its own.
    for ids in rig.intake.ids.values():
        assert set(ids) == set(range(min(ids), max(ids) + 1))
    assert rig.counters.reconnects == 0


async def test_a_line_cut_inside_a_frame_leaves_no_half_frame() -> None:
    async with at_sea("disconnect:every=300,mid_frame=1") as (rig, _):
        await until(lambda: rig.counters.reconnects >= 3)
    assert rig.intake.letters == [] and most_copies(rig) == 1
    assert each_line_was_in_order(rig)


async def test_a_stalled_connection_is_replaced() -> None:
    policy = Policy(silence=0.5, first_backoff=0.02)
    async with at_sea("stall:after=300,seconds=60", policy=policy) as (rig, _):
        await until(lambda: rig.counters.silent_connections == 1)
        before = len(rig.ids)
        await until(lambda: len(rig.ids) > before + 300)
    assert rig.counters.reconnects == 1 and each_line_was_in_order(rig)


async def test_one_dead_symbol_is_resubscribed_and_then_its_connection_replaced() -> None:
    policy = Policy(symbol_silence=0.4, first_backoff=0.02)
    fault = "stall:after=300,seconds=60,symbol=BTCUSDT"
    async with at_sea(fault, policy=policy) as (rig, exchange):
        await until(lambda: len(rig.probes.asked) == 1)
        [(symbol, from_id)] = rig.probes.asked
        assert symbol == "BTCUSDT" and from_id == max(rig.intake.ids["BTCUSDT"]) + 1
        rig.fleet.probed(symbol, 7)
        # UNSUBSCRIBE and SUBSCRIBE: both answered.
        await until(lambda: len(rig.intake.controls) == 2)
        assert {control.kind for control in rig.intake.controls} == {"answer"}
        assert rig.counters.dead_streams == 1 and rig.counters.rotations == 0
        await until(lambda: len(rig.probes.asked) == 2)
        rig.fleet.probed(symbol, 7)
        await until(lambda: rig.counters.rotations == 1)
        seen = len(rig.intake.ids["BTCUSDT"])
        await until(lambda: len(rig.intake.ids["BTCUSDT"]) > seen + 100)
        assert exchange.exchange.connections == 1
    assert rig.counters.reconnects == 0


async def test_a_quiet_symbol_is_asked_about_and_left_alone() -> None:
    policy = Policy(symbol_silence=0.3, first_backoff=0.02)
    async with at_sea("stall:after=300,seconds=60,symbol=BTCUSDT", policy=policy) as (rig, _):
        await until(lambda: len(rig.probes.asked) == 1)
        rig.fleet.probed("BTCUSDT", 0)
        await until(lambda: len(rig.probes.asked) == 2)
    assert rig.counters.dead_streams == rig.counters.rotations == 0
    assert rig.counters.requests_sent == 0


async def test_a_server_that_shuts_down_is_left_without_a_loss() -> None:
    async with at_sea("shutdown:after=300,grace=5") as (rig, exchange):
        await until(lambda: rig.counters.rotations == 1)
        await until(lambda: exchange.exchange.connections == 1)
        before = len(rig.ids)
        await until(lambda: len(rig.ids) > before + 300)
    assert nothing_is_missing(rig) and most_copies(rig) <= 2
    assert [control.kind for control in rig.intake.controls] == ["shutdown"]
    assert rig.counters.reconnects == 0


async def test_rotation_comes_before_the_exchange_ends_an_old_connection() -> None:
    policy = Policy(rotate_after=0.5, first_backoff=0.02, spacing=0.0)
    async with at_sea("max-age:1.5", policy=policy) as (rig, _):
        await until(lambda: rig.counters.rotations >= 5)
    assert nothing_is_missing(rig) and rig.counters.reconnects == 0


async def test_a_connection_that_the_exchange_ends_for_its_age_comes_back() -> None:
    async with at_sea("max-age:0.4") as (rig, _):
        await until(lambda: rig.counters.reconnects >= 2)
    assert each_line_was_in_order(rig) and rig.intake.letters == []


async def test_symbols_come_and_go_while_others_are_not_disturbed() -> None:
    async with at_sea(symbols=("BTCUSDT",)) as (rig, exchange):
        await until(lambda: len(rig.ids) > 200)
        rig.fleet.set_symbols(["BTCUSDT", "ETHUSDT"])
        await until(lambda: len(rig.intake.ids["ETHUSDT"]) > 200)
        rig.fleet.set_symbols(["ETHUSDT"])
        await until(lambda: len(rig.intake.controls) == 2)
        await asyncio.sleep(0.1)
        gone, there = len(rig.intake.ids["BTCUSDT"]), len(rig.intake.ids["ETHUSDT"])
        await until(lambda: len(rig.intake.ids["ETHUSDT"]) > there + 200)
        assert len(rig.intake.ids["BTCUSDT"]) == gone
        assert rig.fleet.symbols == ("ETHUSDT",) and exchange.exchange.connections == 1
    assert rig.intake.letters == [] and most_copies(rig) == 1
    assert rig.counters.reconnects == rig.counters.rotations == 0
    assert rig.counters.trades["ETHUSDT"] == 0  # known by name; the desk counts


async def test_new_symbols_open_a_shard_and_the_last_to_go_closes_it() -> None:
    async with at_sea(symbols=("BTCUSDT",), streams=1) as (rig, exchange):
        await until(lambda: len(rig.ids) > 50)
        rig.fleet.set_symbols(["BTCUSDT", "ETHUSDT"])
        assert rig.fleet.shards == 2 and not rig.fleet.ready
        await until(lambda: rig.fleet.ready and len(rig.intake.ids["ETHUSDT"]) > 50)
        rig.fleet.set_symbols(["ETHUSDT"])
        await until(lambda: exchange.exchange.connections == 1)
        assert rig.fleet.shards == 1 and rig.fleet.ready
        rig.fleet.set_symbols([])
        await until(lambda: exchange.exchange.connections == 0)


async def test_a_thousand_streams_are_subscribed_within_the_exchange_limit() -> None:
    names = ("BTCUSDT", *(f"SYMBOL{number}USDT" for number in range(1022)), "ETHUSDT")
    limits = Limits(ping_interval=0.5, connects_per_5_minutes=10_000)
    async with at_sea(symbols=names, limits=limits) as (rig, exchange):
        # The last one is not in the URL: its trades come when all was asked for.
        await until(lambda: len(rig.intake.ids["ETHUSDT"]) > 100, 15)
        await until(lambda: len(rig.intake.controls) == 5)
        rig.fleet.set_symbols(["BTCUSDT", "ETHUSDT"])
        await until(lambda: len(rig.intake.controls) == 5 + 6, 15)
        status = await exchange.get("/control/status")
        assert status["connections"] == 1 and "too-many-messages" not in status["faults"]
    assert rig.counters.reconnects == 0
