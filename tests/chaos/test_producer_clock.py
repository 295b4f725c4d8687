"""The producer's wall clock jumps, by hours and by days, while lines break.

It needs libfaketime: the package of this name beside or in the environment, Debian's, or a path in
LIBFAKETIME. Where there is none the case is skipped; fake clocks test the same rules in tests/unit.
"""

import importlib.util
import os
import time
from pathlib import Path

import pytest

from tests.chaos.broker import Broker
from tests.chaos.exchange_process import MarketOrder
from tests.chaos.producer_world import world_of
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


@pytest.mark.parametrize(
    "jumps", [("+1800", "-1800", "+0"), ("+86400", "-86400", "+0")], ids=["hours", "days"]
)
def test_the_wall_clock_jumps(
    tmp_path: Path, broker: Broker, library: Path, jumps: tuple[str, ...]
) -> None:
    clock = tmp_path / "clock"
    clock.write_text("+0")
    extra = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    order = MarketOrder(seed=SEED)
    with world_of(tmp_path, broker, order, extra=extra, trust_times=False) as world:
        world.start()
        for jump in jumps:
            world.exchange.arm("disconnect:every=200,times=1", "lose:0.05,times=20")
            clock.write_text(jump)
            for _ in range(10):
                # Kafka refuses what is dated more than an hour ahead of its own clock; the
                # producer then ends rather than lose it, and whoever supervises it starts it again.
                world.supervise()
                time.sleep(0.3)
        world.supervise()
        world.running.until_ready()
        world.check(duplicates=True)
