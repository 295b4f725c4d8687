"""Many random injections into one producer, one after another and overlapping.

`make test` runs a bounded one, `make chaos-producer` at least a hundred. CHAOS_SEED,
CHAOS_INJECTIONS and CHAOS_SECONDS are its settings; a failure says how to play it again.
"""

import heapq
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.chaos import injections
from tests.chaos.broker import Broker
from tests.chaos.exchange_process import MarketOrder
from tests.chaos.injections import Injection
from tests.chaos.judge import Verdict
from tests.chaos.producer_world import World, world_of
from tests.chaos.seeds import INJECTIONS, SECONDS, SEED, long_run

_SLICE = 0.2
_SETTLE_SECONDS = 180.0
# A producer that meets no broker, or is stopped without one, says so with this code.
_UNREACHABLE = 5


def test_random_injections(tmp_path: Path, broker: Broker) -> None:
    plan = injections.schedule(SEED, INJECTIONS, minute=long_run())
    print(f"\nchaos-producer: CHAOS_SEED={SEED}, {len(plan)} injections, {SECONDS:g} s at most")
    began = time.monotonic()
    with replayable(), world_of(tmp_path, broker, MarketOrder(seed=SEED)) as world:
        world.start()
        done = inject(world, plan, began + SECONDS)
        world.revive()
        verdict = world.check(_SETTLE_SECONDS, duplicates=True)
        seconds = time.monotonic() - began
        sent = world.exchange.truth()["garbage_sent"]
        assert verdict.dead_letters <= sent
        assert world.codes.keys() <= {0, -9, _UNREACHABLE}, world.codes
        print(line(done, verdict, world, sent, seconds))


@dataclass(order=True)
class Event:
    """A beginning from the plan, or the end of something that was begun."""

    at: float
    happen: Callable[[], None] = field(compare=False)


def inject(world: World, plan: list[Injection], deadline: float) -> Counter[str]:
    """Play the plan, as far as the time reaches; how often each kind was injected."""
    began, done = time.monotonic(), Counter[str]()
    queue: list[Event] = []

    def start(each: Injection) -> None:
        print(each, flush=True)
        injections.begin(world, each)
        done[each.kind] += 1
        if each.lasts:
            when = time.monotonic() + each.lasts
            heapq.heappush(queue, Event(when, partial(injections.end, world, each)))

    for each in plan:
        heapq.heappush(queue, Event(began + each.at, partial(start, each)))
    while queue and time.monotonic() < deadline:
        while time.monotonic() < queue[0].at:
            world.supervise()
            time.sleep(_SLICE)
        _happen(queue)
    return done


def _happen(queue: list[Event]) -> None:
    """Let the next one happen. What takes time itself delays the others: none falls together."""
    before = time.monotonic()
    heapq.heappop(queue).happen()
    took = time.monotonic() - before
    for event in queue:
        event.at += took  # all alike: the order of the heap stays


def line(done: Counter[str], verdict: Verdict, world: World, sent: int, seconds: float) -> str:
    """The run in one line of figures."""
    return (
        f"chaos-producer: CHAOS_SEED={SEED}, {done.total()} injections of {len(done)} kinds, "
        f"{verdict.line()} of {sent} unreadable frames sent, {world.lives} lives of the producer, "
        f"{seconds:.0f} s"
    )


@contextmanager
def replayable() -> Iterator[None]:
    """A failure says how to play it again."""
    try:
        yield
    except BaseException as error:
        again = f"CHAOS_SEED={SEED} CHAOS_INJECTIONS={INJECTIONS} make chaos-producer"
        error.add_note(f"Play it again: {again}")
        raise
