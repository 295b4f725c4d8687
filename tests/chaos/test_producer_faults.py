"""The fault matrix, part one, the exchange: each case ends with the judge.

What the judge demands of every case: docs/reliability.md.
"""

import time
from collections import Counter
from pathlib import Path

import pytest

from producer.simulator.fault_specs import parse
from producer.simulator.faults import FaultSet, Feed
from producer.simulator.market_source import MarketSource
from tests.chaos.broker import Broker
from tests.chaos.exchange_process import MarketOrder
from tests.chaos.producer_world import World, world_of
from tests.chaos.seeds import SEED

RATE = 1500.0


def test_nothing_happens(world: World) -> None:
    time.sleep(2)
    verdict = world.check()
    assert verdict.trades > RATE and verdict.gaps_opened == 0
    assert verdict.sources.keys() == {"ws"}


@pytest.mark.parametrize("mid_frame", [0.0, 1.0], ids=["between frames", "inside a frame"])
def test_the_line_is_cut(world: World, mid_frame: float) -> None:
    world.exchange.arm(f"disconnect:every=300,mid_frame={mid_frame},times=3")
    world.exchange.until_struck("disconnect", 3)
    world.check()


def test_the_line_falls_silent_and_speaks_again(world: World) -> None:
    world.exchange.arm("stall:after=300,seconds=4")
    world.exchange.until_struck("stall")
    time.sleep(4)
    verdict = world.check()
    assert verdict.sources["rest"] > 0


def test_the_line_falls_silent_for_good(world: World) -> None:
    time.sleep(3)  # so that its usual rate is known
    world.exchange.arm("stall:after=300,seconds=3600")
    world.exchange.until_struck("stall")
    world.check()


def test_one_symbol_dies(world: World) -> None:
    time.sleep(3)
    world.exchange.arm("stall:after=300,seconds=3600,symbol=ETHUSDT")
    world.exchange.until_struck("stall")
    world.check()


def test_the_exchange_is_quiet_after_a_loss(tmp_path: Path, broker: Broker) -> None:
    """Nothing comes behind the last trades, so that no jump tells of them."""
    order = MarketOrder(seed=SEED, trades=6000)
    with world_of(tmp_path, broker, order) as world:
        world.exchange.arm("drop:BTCUSDT:1001990-1001999")
        world.start()
        world.exchange.until_struck("drop", 10)
        world.check(60)


@pytest.mark.parametrize("ids", [10, 5_000])
def test_ids_are_dropped(world: World, ids: int) -> None:
    first = world.exchange.last_ids()["BTCUSDT"] + 100
    world.exchange.arm(f"drop:BTCUSDT:{first}-{first + ids - 1}")
    world.exchange.until_struck("drop", ids)
    time.sleep(0.5)
    verdict = world.check()
    assert verdict.sources["rest"] >= min(ids, 500)


def test_a_hundred_thousand_ids_are_dropped(tmp_path: Path, broker: Broker) -> None:
    """400 weights of REST at 1,000 ids for 4; the exchange is asked for nothing twice."""
    order = MarketOrder(("BTCUSDT", "ETHUSDT"), rate=12_000, seed=SEED)
    with world_of(tmp_path, broker, order) as world:
        world.start()
        first = world.exchange.last_ids()["BTCUSDT"] + 2_000
        world.exchange.arm(f"drop:BTCUSDT:{first}-{first + 99_999}")
        world.exchange.until_struck("drop", 100_000)
        world.check(90)


def test_trades_are_lost_here_and_there(world: World) -> None:
    world.exchange.arm("lose:0.02")
    world.exchange.until_struck("lose", 50)
    verdict = world.check()
    assert verdict.sources["rest"] > 0


def test_trades_come_twice(world: World) -> None:
    world.exchange.arm("duplicate:0.2")
    world.exchange.until_struck("duplicate", 200)
    verdict = world.check()
    assert verdict.gaps_opened == 0 and verdict.out_of_order == 0


@pytest.mark.parametrize("seconds", [0.05, 3.0], ids=["a little", "for seconds"])
def test_trades_come_in_another_order(world: World, seconds: float) -> None:
    world.exchange.arm(f"reorder:{seconds}s,p=0.05")
    world.exchange.until_struck("reorder", 150)
    time.sleep(seconds)
    world.check()


def test_frames_that_nobody_can_read(tmp_path: Path, broker: Broker) -> None:
    """Every one is a dead letter, byte for byte."""
    faults = ("--fault", "garbage:0.05", "--fault", "duplicate:0.02")
    with world_of(tmp_path, broker, MarketOrder(seed=SEED, options=faults)) as world:
        world.start()
        world.exchange.until_struck("garbage", 150)
        world.check()
        sent = _garbage(world)
        assert len(sent) == world.exchange.truth()["garbage_sent"]
        assert Counter(world.judge.dead_letters) == Counter(sent)


def test_the_server_is_shut_down(world: World) -> None:
    world.exchange.arm("shutdown:after=300,grace=3")
    world.exchange.until_struck("shutdown")
    time.sleep(4)
    verdict = world.check()
    assert verdict.gaps_opened == 0, "the new connection stands before the old one ends"


def test_the_server_is_shut_down_with_no_time_left(world: World) -> None:
    world.exchange.arm("shutdown:after=300,grace=0")
    world.exchange.until_struck("shutdown")
    world.check()


def test_connections_are_rotated(tmp_path: Path, broker: Broker) -> None:
    order = MarketOrder(seed=SEED)
    with world_of(tmp_path, broker, order, rotate_after_seconds=2.0) as world:
        world.start()
        time.sleep(7)
        assert world.running.figure("rotations_total") >= 2
        verdict = world.check()
        assert verdict.gaps_opened == 0, "the new connection stands before the old one ends"
        assert verdict.sources.keys() == {"ws"}


def test_connections_live_no_longer_than_the_exchange_likes(tmp_path: Path, broker: Broker) -> None:
    order = MarketOrder(seed=SEED, options=("--max-age", "2"))
    with world_of(tmp_path, broker, order) as world:
        world.start()
        time.sleep(7)
        world.check()


def test_many_connections_share_the_symbols(tmp_path: Path, broker: Broker) -> None:
    order = MarketOrder(tuple(f"S{number}USDT" for number in range(12)), seed=SEED)
    options = {"streams_per_connection": 3, "rotate_after_seconds": 3.0}
    with world_of(tmp_path, broker, order, **options) as world:
        world.start()
        world.exchange.arm("disconnect:every=400,times=6")
        world.exchange.until_struck("disconnect", 6)
        world.check()


REST = {
    "429": ("rest-status:429,times=3,retry_after=1",),
    "418": ("rest-status:418,times=1,retry_after=3",),
    "500": ("rest-status:500,times=5",),
    "500 half of the time": ("rest-status:500,probability=0.5,times=20",),
    "slow": ("rest-slow:1.5,times=4",),
    "garbage": ("rest-garbage:1,times=4",),
    "holes": ("rest-holes:0.2,times=300",),
    "empty": ("rest-holes:1,times=1000",),
    "all of it": (
        "rest-slow:0.5,times=3", "rest-status:500,probability=0.3,times=5",
        "rest-garbage:0.3,times=5", "rest-holes:0.1,times=200",
    ),
}  # fmt: skip


@pytest.mark.parametrize("faults", REST.values(), ids=REST)
def test_rest_is_ill_when_it_is_needed(world: World, faults: tuple[str, ...]) -> None:
    """No id may be given up: the exchange has them all, it only does not say so at first."""
    first = world.exchange.last_ids()["BTCUSDT"] + 100
    world.exchange.arm(
        *faults, f"drop:BTCUSDT:{first}-{first + 799}", "disconnect:every=2800,times=1"
    )
    world.exchange.until_struck("drop", 800)
    kind = parse(faults[0]).kind
    world.exchange.until_struck(kind)
    time.sleep(2)
    verdict = world.check(60)
    assert verdict.gaps_unrepairable == 0


def _garbage(world: World) -> list[bytes]:
    """What the exchange has sent that nobody can read, played again from the seed."""
    order = world.exchange.order
    faults = FaultSet(order.seed, [parse("garbage:0.05"), parse("duplicate:0.02")])
    spec, feed = world.exchange.spec, Feed(faults)
    source = MarketSource(spec, spec.start_ns // 1000)
    wanted, sent = world.exchange.truth()["garbage_sent"], list[bytes]()
    while len(sent) < wanted:
        frames = feed.apply(source.take(100, None))
        sent += [frame.payload for frame in frames if not frame.readable]
    return sent[:wanted]
