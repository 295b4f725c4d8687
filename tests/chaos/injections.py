"""Random injections of every kind, drawn from a seed: what happens, when, and for how long."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Final, NamedTuple

from tests.chaos.producer_world import World

_MEAN_PAUSE: Final = 1.5
_LONGEST_DROP: Final = 5_000
_MINUTE: Final = 60.0


class Injection(NamedTuple):
    """At `at` (seconds from the start) `kind` begins with `argument`, and lasts `lasts` seconds.

    A fault of the exchange has its own end (`times=`); `lasts` is for what is stopped or killed.
    """

    at: float
    kind: str
    argument: str
    lasts: float

    def __str__(self) -> str:
        lasts = f" for {self.lasts:.1f} s" if self.lasts else ""
        return f"{self.at:7.1f} s  {self.kind}{f' {self.argument}' if self.argument else ''}{lasts}"


def schedule(seed: int, count: int, minute: bool = False) -> list[Injection]:
    """`count` injections: every kind comes before one comes again, each round in another order.

    With `minute` the broker is stopped for a whole minute when its turn first comes.
    """
    rng, at, made = Random(seed), 0.0, list[Injection]()
    kinds = _rounds(rng)
    for _ in range(count):
        at += rng.expovariate(1 / _MEAN_PAUSE)
        kind = next(kinds)
        lasts = rng.uniform(0.3, 4.0) if kind in PROCESSES else 0.0
        argument = FAULTS[kind](rng) if kind in FAULTS else ""
        if minute and kind == "broker stopped":
            minute, lasts = False, _MINUTE
        made.append(Injection(at, kind, argument, lasts))
    return made


def begin(world: World, injection: Injection) -> None:
    """Let it happen."""
    if injection.kind in PROCESSES:
        PROCESSES[injection.kind].begin(world)
    elif injection.kind == "drop":
        world.exchange.arm(_drop(world, injection.argument))
    else:
        world.exchange.arm(injection.argument)


def end(world: World, injection: Injection) -> None:
    """Let what was stopped or killed go on."""
    if injection.kind in PROCESSES:
        PROCESSES[injection.kind].end(world)


def _rounds(rng: Random) -> Iterator[str]:
    while True:
        kinds = [*FAULTS, *PROCESSES]
        rng.shuffle(kinds)
        yield from kinds


def _drop(world: World, argument: str) -> str:
    """A range that lies a little ahead of where the exchange is now."""
    symbol, count = argument.split()
    first = world.exchange.last_ids()[symbol] + 50
    return f"drop:{symbol}:{first}-{first + int(count) - 1}"


# The argument of each fault of the exchange; all strike a bounded number of times.
FAULTS: Final[dict[str, Callable[[Random], str]]] = {
    "disconnect": lambda rng: (
        f"disconnect:every={rng.randint(1, 2000)},mid_frame=0,times={rng.randint(1, 3)}"
    ),
    "disconnect inside a frame": lambda rng: (
        f"disconnect:every={rng.randint(1, 2000)},mid_frame=1,times={rng.randint(1, 3)}"
    ),
    "stall": lambda rng: f"stall:after={rng.randint(1, 1500)},seconds={rng.uniform(0.5, 8):.1f}",
    "symbol dies": lambda rng: (
        f"stall:after={rng.randint(1, 1500)},seconds={rng.uniform(1, 20):.1f},symbol=ETHUSDT"
    ),
    "drop": lambda rng: f"BTCUSDT {int(_LONGEST_DROP ** rng.random())}",
    "lose": lambda rng: f"lose:{rng.uniform(0.001, 0.1):.3f},times={rng.randint(1, 300)}",
    "duplicate": lambda rng: f"duplicate:{rng.uniform(0.01, 0.5):.2f},times={rng.randint(1, 500)}",
    "reorder": lambda rng: (
        f"reorder:{rng.uniform(0.01, 5):.2f}s,p={rng.uniform(0.01, 0.3):.2f}"
        f",times={rng.randint(1, 300)}"
    ),
    "garbage": lambda rng: f"garbage:{rng.uniform(0.01, 0.3):.2f},times={rng.randint(1, 100)}",
    "shutdown": lambda rng: f"shutdown:after={rng.randint(1, 1500)},grace={rng.uniform(0, 3):.1f}",
    "REST 429": lambda rng: (
        f"rest-status:429,times={rng.randint(1, 3)},retry_after={rng.randint(0, 2)}"
    ),
    "REST 418": lambda rng: f"rest-status:418,times=1,retry_after={rng.randint(1, 4)}",
    "REST 500": lambda rng: f"rest-status:500,probability=0.7,times={rng.randint(1, 10)}",
    "REST slow": lambda rng: f"rest-slow:{rng.uniform(0.1, 3):.1f},times={rng.randint(1, 5)}",
    "REST garbage": lambda rng: f"rest-garbage:0.7,times={rng.randint(1, 5)}",
    "REST holes": lambda rng: f"rest-holes:{rng.uniform(0.01, 1):.2f},times={rng.randint(1, 500)}",
}


class Blow(NamedTuple):
    """What is done to a process, and how it goes on."""

    begin: Callable[[World], None]
    end: Callable[[World], None]


def _kill_broker(world: World) -> None:
    world.broker.start_again()
    world.broker.kill()


def _freeze_broker(world: World) -> None:
    world.broker.start_again()
    world.broker.freeze()


def _broker_back(world: World) -> None:
    world.broker.start_again()
    world.broker.thaw()


PROCESSES: Final[dict[str, Blow]] = {
    "broker stopped": Blow(_freeze_broker, _broker_back),
    "broker kill -9": Blow(_kill_broker, _broker_back),
    "producer kill -9": Blow(lambda world: world.kill(), lambda world: world.revive()),
    "producer SIGTERM": Blow(lambda world: world.dismiss(), lambda world: world.revive()),
    "producer stopped": Blow(lambda world: world.freeze(), lambda world: world.thaw()),
}
