"""The fault matrix, part two, processes: broker and producer are stopped, killed, sent home.

Each case ends with the judge: docs/reliability.md.
"""

import time
from random import Random

from tests.chaos.producer_world import World
from tests.chaos.seeds import SEED, long_run


def test_the_broker_stops_answering_for_a_while(world: World) -> None:
    world.broker.freeze()
    time.sleep(60 if long_run() else 10)
    world.broker.thaw()
    world.check(60)


def test_the_broker_is_killed_and_comes_back(world: World) -> None:
    world.broker.kill()
    time.sleep(2)
    world.broker.start_again()
    world.check(60, duplicates=True)


def test_broker_away_while_lines_break(world: World) -> None:
    world.exchange.arm("disconnect:every=500,times=5", "lose:0.01")
    world.broker.freeze()
    world.exchange.until_struck("disconnect", 3)
    time.sleep(1)
    world.broker.thaw()
    world.check(60)


def test_the_producer_is_killed_at_random_moments(world: World) -> None:
    rng = Random(SEED)
    for _ in range(3):
        time.sleep(rng.uniform(0.0, 1.5))
        world.running.kill()
        time.sleep(rng.uniform(0.0, 1.0))
        world.start(wait=rng.random() < 0.5).until_ready()
    world.check(60, duplicates=True)


def test_the_producer_is_killed_over_an_open_gap(world: World) -> None:
    world.exchange.arm("rest-status:500", "lose:0.05")
    world.exchange.until_struck("lose", 50)
    time.sleep(0.5)
    world.running.kill()
    world.start()
    world.exchange.until_struck("lose", 100)
    time.sleep(3)  # longer than the hold: trades pass over the gaps
    world.running.kill()
    world.start()
    verdict = world.check(60, duplicates=True)
    assert verdict.gaps_repaired > 0


def test_the_producer_is_killed_while_the_broker_is_frozen(world: World) -> None:
    world.broker.freeze()
    time.sleep(1)
    world.running.kill()
    world.broker.thaw()
    world.start()
    world.check(60, duplicates=True)


def test_a_night_off(world: World) -> None:
    """Stopped in order, started later: the exchange went on meanwhile."""
    time.sleep(1)
    assert world.running.terminate() == 0
    time.sleep(5)
    world.start()
    verdict = world.check(60)
    assert verdict.sources["rest"] > 3 * world.exchange.order.rate


def test_the_producer_is_stopped_and_goes_on(world: World) -> None:
    """SIGSTOP, as a machine that sleeps: the exchange may cut the line meanwhile."""
    world.freeze()
    time.sleep(5)
    world.thaw()
    world.check(60)


def test_everything_at_once(world: World) -> None:
    world.exchange.arm(
        "duplicate:0.05", "reorder:0.5s,p=0.05", "lose:0.01", "garbage:0.01",
        "disconnect:every=900,times=4", "rest-status:500,probability=0.3,times=10",
        "rest-slow:0.5,probability=0.3,times=10",
    )  # fmt: skip
    time.sleep(3)
    world.broker.freeze()
    time.sleep(2)
    world.running.kill()
    world.broker.thaw()
    world.start()
    time.sleep(2)
    world.check(60, duplicates=True)
