"""The producer's wall clock jumps while lines break, and is a day off.

It needs libfaketime: the package of this name beside or in the environment, Debian's, or a path in
LIBFAKETIME. Where there is none the case is skipped; fake clocks test the same rules in tests/unit.
"""

import importlib.util
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.broker import Broker
from tests.chaos.exchange_process import MarketOrder
from tests.chaos.producer_world import World, world_of
from tests.chaos.seeds import SEED

_NAME = "libfaketime.so.1"
_DEBIAN = Path("/usr/lib/x86_64-linux-gnu/faketime") / _NAME


@pytest.fixture
def library() -> Path:
    """libfaketime's shared object."""
    named, spec = os.environ.get("LIBFAKETIME"), importlib.util.find_spec("libfaketime")
    package = Path(spec.origin).parent / "vendor/libfaketime/src" if spec and spec.origin else None
    places = [Path(named)] if named else [_DEBIAN]
    places += [package / _NAME] if package else []
    for place in places:
        if place.exists():
            return place
    pytest.skip("libfaketime is not here: pip install libfaketime==3.0.1, or set LIBFAKETIME")


def test_the_wall_clock_jumps(tmp_path: Path, broker: Broker, library: Path) -> None:
    """Half an hour forth and back while lines break; the same process goes on."""
    with _world(tmp_path, broker, library) as (world, clock):
        for number, jump in enumerate(("+1800", "-1800", "+0"), 1):
            clock.write_text(jump)
            time.sleep(1)
            world.exchange.arm("disconnect:every=200,times=1", "lose:0.05,times=20")
            world.exchange.until_struck("disconnect", number)
            time.sleep(1)
        world.check()


def test_the_wall_clock_is_a_day_ahead_for_a_while(
    tmp_path: Path, broker: Broker, library: Path
) -> None:
    """Kafka refuses what is dated more than an hour ahead of its own clock.

    The producer may end of it, but nothing may be lost when the clock is right again.
    """
    with _world(tmp_path, broker, library) as (world, clock):
        clock.write_text("+86400")
        time.sleep(5)
        world.kill()
        clock.write_text("+0")
        world.start()
        world.check(duplicates=True)


@contextmanager
def _world(folder: Path, broker: Broker, library: Path) -> Iterator[tuple[World, Path]]:
    """A world whose producer reads its wall clock's offset (s) from a file."""
    clock = folder / "clock"
    clock.write_text("+0")
    extra = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    order = MarketOrder(seed=SEED)
    with world_of(folder, broker, order, extra=extra, trust_times=False) as world:
        world.start()
        yield world, clock
