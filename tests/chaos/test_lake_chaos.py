"""Many random injections into the whole pipeline on S3 and a REST catalog; then the lake is judged.

`make chaos` runs a bounded one, `make chaos-lake` a hundred. A failure says how to play it again.
"""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.chaos import lake_injections
from tests.chaos.exchange_process import MarketOrder
from tests.chaos.lake_injections import KINDS, Injection
from tests.chaos.lake_judge import LakeVerdict, judge
from tests.chaos.lake_world import LakeWorld, lake_world
from tests.chaos.seeds import INJECTIONS, PATIENCE, SECONDS, SEED
from tests.commands import firehose, wait_for

RATE: Final = 60.0
_LEAST: Final = 10
_BETWEEN_SECONDS: Final = 1.5
_SETTLE_SECONDS: Final = 600.0
_DRAIN_SECONDS: Final = 600.0


def test_random_injections_into_the_lake(tmp_path: Path) -> None:
    began = time.monotonic()
    with replayable(), lake_world(tmp_path, MarketOrder(seed=SEED, rate=RATE)) as world:
        plan = lake_injections.schedule(SEED, INJECTIONS, with_disks=bool(world.disks))
        disks = "" if world.disks else "; no disk is filled, as nothing may be mounted here"
        print(f"\nchaos-lake: CHAOS_SEED={SEED}, {len(plan)} injections{disks}")
        world.start()
        done = inject(world, plan, time.monotonic() + SECONDS)
        assert done.total() >= min(_LEAST, len(plan)), f"only {done} in {SECONDS:g} s"
        settle(world)
        verdict = judge(world)
        print(line(done, verdict, world, time.monotonic() - began), flush=True)
        assert not verdict.faults, "\n".join(verdict.faults)
        prove(world)


def inject(world: LakeWorld, plan: list[Injection], deadline: float) -> Counter[str]:
    """Play the plan, as far as the time reaches; how often each kind was injected."""
    done, began = Counter[str](), time.monotonic()
    for each in plan:
        if time.monotonic() > deadline:
            break
        if each.patient:
            until_flowing(world)
        time.sleep(world.rng.uniform(0, _BETWEEN_SECONDS))
        print(f"{time.monotonic() - began:7.1f} s  {each}", flush=True)
        kind = KINDS[each.name]
        kind.begin(world)
        done[each.name] += 1
        if kind.end is not None:
            time.sleep(each.lasts)
            kind.end(world)
    return done


def until_flowing(world: LakeWorld) -> None:
    """Wait for a batch of Silver after now; not for ever, as what is slow must be hit as well."""
    moment, deadline = time.time(), time.monotonic() + PATIENCE
    while not world.flowing_since(moment) and time.monotonic() < deadline:
        time.sleep(0.2)
    if not world.flowing_since(moment):
        print(f"           (nothing has reached Silver for {PATIENCE:g} s)", flush=True)


def settle(world: LakeWorld) -> None:
    """Heal; Kafka gets all that was produced, the streams finish what is there."""
    world.heal()
    world.writer.flush()
    last_ids = world.exchange.last_ids()
    wait_for(lambda: caught_up(world, last_ids), _SETTLE_SECONDS, "the trades in Kafka")
    assert world.services["producer"].retire(signal.SIGTERM, 60) == 0
    world.look()
    faults = world.judge.verdict(last_ids).faults
    assert not faults, "\n".join(faults)
    drain(world)


def caught_up(world: LakeWorld, last_ids: dict[str, int]) -> bool:
    return world.glance() and world.judge.caught_up(last_ids)


def drain(world: LakeWorld) -> None:
    """The streams work off what is there and end well."""
    wait_for(world.streams_run, _SETTLE_SECONDS, "the streams")
    code = world.services["spark"].retire(signal.SIGUSR1, _DRAIN_SECONDS)
    assert code == 0, f"Spark ended with {code}:\n{world.spark_log()}"


def prove(world: LakeWorld) -> None:
    """The project's own proof comes to the same verdict."""
    words = ("verify", "--kafka", "--data-dir", str(world.folder))
    done = firehose(world.folder, *words, env=world.settings.as_env())
    assert done.returncode == 0, done.stdout


def line(done: Counter[str], verdict: LakeVerdict, world: LakeWorld, seconds: float) -> str:
    """The run in one line of figures."""
    lives = ", ".join(f"{name} {service.lives}" for name, service in world.services.items())
    struck = sum(world.s3.struck.values()) + sum(world.catalog.struck.values())
    harmed = struck - world.s3.struck[""] - world.catalog.struck[""]
    return (
        f"chaos-lake: CHAOS_SEED={SEED}, {done.total()} injections of {len(done)} kinds in "
        f"{seconds:.0f} s; lives: {lives}; {harmed} of {struck:,} requests harmed; {verdict.line()}"
    )


@contextmanager
def replayable() -> Iterator[None]:
    """A failure says how to play it again."""
    try:
        yield
    except BaseException as error:
        again = f"CHAOS_SEED={SEED} CHAOS_INJECTIONS={INJECTIONS} make chaos-lake"
        error.add_note(f"Play it again: {again}")
        raise
