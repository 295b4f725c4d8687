"""What is done to the lake's world, drawn from a seed: which kind, and for how long."""

import signal
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Final, NamedTuple

from tests.chaos import fault_proxy
from tests.chaos.fault_proxy import FaultProxy
from tests.chaos.lake_world import LakeWorld

_STOPPED: Final = (0.5, 20.0)  # seconds
_FAULTY: Final = (1.0, 12.0)
_FULL: Final = (2.0, 10.0)
_MOST_BAD: Final = 60
_MOST_REPEATED: Final = 1_500

Deed = Callable[[LakeWorld], object]


class Kind(NamedTuple):
    """What happens; where it has a duration (least and most seconds), `end` undoes it."""

    begin: Deed
    lasts: tuple[float, float] = (0.0, 0.0)
    end: Deed | None = None
    disk: str = ""


class Injection(NamedTuple):
    """A kind at its turn. `patient`: only once the work flows again after the last one."""

    name: str
    lasts: float
    patient: bool

    def __str__(self) -> str:
        lasts = f" for {self.lasts:.1f} s" if self.lasts else ""
        return f"{self.name}{lasts}{'' if self.patient else ' (at once)'}"


def schedule(seed: int, count: int, with_disks: bool) -> list[Injection]:
    """`count` injections: every kind comes before one comes again, each round in another order.

    Every fourth comes at once, whatever state the last one left.
    """
    rng = Random(seed)
    names = _rounds(rng, [name for name, kind in KINDS.items() if with_disks or not kind.disk])
    return [_drawn(rng, next(names), number) for number in range(count)]


def _drawn(rng: Random, name: str, number: int) -> Injection:
    least, most = KINDS[name].lasts
    # Most last for a short time; the long ones are what time limits are for.
    lasts = least + (most - least) * rng.random() ** 2
    return Injection(name, lasts, patient=number % 4 != 3)


def _rounds(rng: Random, names: list[str]) -> Iterator[str]:
    while True:
        rng.shuffle(names)
        yield from names


def _signal(service: str, number: signal.Signals, only: str = "") -> Deed:
    return lambda world: world.services[service].send(number, only)


def _proxy(name: str) -> Callable[[LakeWorld], FaultProxy]:
    return lambda world: getattr(world, name)


def _processes() -> dict[str, Kind]:
    kinds = {}
    for name in ("producer", "broker", "spark", "seaweedfs"):
        kinds[f"{name} kill -9"] = Kind(_signal(name, signal.SIGKILL))
        stop, go = _signal(name, signal.SIGSTOP), _signal(name, signal.SIGCONT)
        kinds[f"{name} stopped"] = Kind(stop, _STOPPED, go)
    return kinds | {
        "spark's JVM kill -9": Kind(_signal("spark", signal.SIGKILL, only="java")),
        "spark frozen, a second one started": Kind(lambda world: world.haunt()),
        "spark SIGTERM": Kind(lambda world: world.services["spark"].tell(signal.SIGTERM)),
        "broker SIGTERM": Kind(lambda world: world.services["broker"].tell(signal.SIGTERM)),
        "producer SIGTERM": Kind(lambda world: world.services["producer"].tell(signal.SIGTERM)),
    }


def _servers() -> dict[str, Kind]:
    return {
        f"{shown} {fault}": Kind(
            partial(_set_fault, _proxy(name), fault),
            _FAULTY,
            partial(_set_fault, _proxy(name), None),
        )
        for name, shown in (("s3", "S3"), ("catalog", "catalog"))
        for fault in fault_proxy.FAULTS
    }


def _set_fault(
    proxy: Callable[[LakeWorld], FaultProxy], fault: str | None, world: LakeWorld
) -> None:
    proxy(world).fault(fault)


def _disks() -> dict[str, Kind]:
    return {
        f"disk of {name} full": Kind(
            lambda world, name=name: world.disks[name].fill(),  # type: ignore[misc]
            _FULL,
            partial(_free, name),
            disk=name,
        )
        for name in ("checkpoints", "kafka", "s3")
    }


def _free(name: str, world: LakeWorld) -> None:
    """There is room again; who keeps S3 going starts it anew, as its index stays read-only."""
    world.disks[name].free()
    if name == "s3":
        world.services["seaweedfs"].send(signal.SIGKILL, "")


def _data() -> dict[str, Kind]:
    return {
        "bad records": Kind(lambda world: world.writer.write_bad(world.rng.randint(1, _MOST_BAD))),
        "records again": Kind(lambda world: world.repeat(world.rng.randint(1, _MOST_REPEATED))),
        "late records": Kind(lambda world: world.add_late()),
        "exchange drops": Kind(_drop),
        "exchange disconnects": Kind(
            lambda world: world.exchange.arm("disconnect:every=200,times=2")
        ),
        "exchange sends garbage": Kind(lambda world: world.exchange.arm("garbage:0.1,times=20")),
    }


def _drop(world: LakeWorld) -> None:
    symbol = world.rng.choice(world.exchange.order.symbols)
    first = world.exchange.last_ids()[symbol] + 30
    world.exchange.arm(f"drop:{symbol}:{first}-{first + world.rng.randint(0, 300)}")


KINDS: Final[dict[str, Kind]] = {**_processes(), **_servers(), **_disks(), **_data()}
