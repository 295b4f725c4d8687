"""A fleet beside an exchange, with an intake that records what it is given."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random

import structlog

from lakehouse.settings import Settings
from lakehouse.trade import Trade
from producer.fleet import Fleet
from producer.lifeline import Policy
from producer.metrics import Counters
from producer.protocol import Control, DeadLetter, Outcome

SYMBOLS = ("BTCUSDT", "ETHUSDT")


class Recorder:
    """An Intake; `room` false stands for a broker that is away."""

    def __init__(self) -> None:
        self.room: Callable[[], bool] = lambda: True
        self.taken: list[Outcome] = []
        self.repaired: list[Trade] = []
        self.ids: dict[str, list[int]] = defaultdict(list)

    def offer(self, outcome: Outcome) -> bool:
        """See Intake."""
        if not self.room():
            return False
        self.taken.append(outcome)
        if isinstance(outcome, Trade):
            self.ids[outcome.symbol].append(outcome.agg_id)
        return True

    def offer_repaired(self, trade: Trade) -> bool:
        """See Intake."""
        self.repaired.append(trade)
        return True

    def absent(self, symbol: str, from_id: int, to_id: int) -> None:
        """See Intake."""

    def last_id(self, symbol: str) -> int | None:
        """See Intake."""
        return max(self.ids[symbol], default=None)

    @property
    def trades(self) -> list[Trade]:
        return [outcome for outcome in self.taken if isinstance(outcome, Trade)]

    @property
    def letters(self) -> list[DeadLetter]:
        return [outcome for outcome in self.taken if isinstance(outcome, DeadLetter)]

    @property
    def controls(self) -> list[Control]:
        return [outcome for outcome in self.taken if isinstance(outcome, Control)]


class Probes:
    """A repairer that only remembers what it was asked about."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def probe(self, symbol: str, from_id: int) -> None:
        """See Repairer."""
        self.asked.append((symbol, from_id))


class Rig:
    """A fleet with all that it talks to."""

    def __init__(self, url: str, policy: Policy, symbols: Sequence[str], streams: int) -> None:
        settings = Settings(
            binance_ws_url=url, symbols=tuple(symbols), streams_per_connection=streams
        )
        self.counters = Counters(symbols)
        self.intake = Recorder()
        self.probes = Probes()
        log = structlog.get_logger()
        self.fleet = Fleet(
            settings, self.intake, self.probes, self.counters, log, Random(1), policy=policy
        )

    @property
    def ids(self) -> list[int]:
        """The ids of all trades in the order of their arrival."""
        return [trade.agg_id for trade in self.intake.trades]


QUICK = Policy(first_backoff=0.02, most_backoff=0.05, spacing=0.0)


@asynccontextmanager
async def sailing(
    url: str,
    policy: Policy = QUICK,
    symbols: Sequence[str] = SYMBOLS,
    streams: int = 1024,
    prepare: Callable[[Rig], None] = lambda rig: None,
) -> AsyncIterator[Rig]:
    """The fleet at work; stopped at the end, and its errors are raised then."""
    rig, stop = Rig(url, policy, symbols, streams), asyncio.Event()
    prepare(rig)
    task = asyncio.create_task(rig.fleet.run(stop))
    try:
        yield rig
    finally:
        stop.set()
        async with asyncio.timeout(5):
            await task
