"""What a repairer is tested with: an exchange's REST in memory, and an intake that records."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, NamedTuple

import structlog

from lakehouse.id_ranges import IdRanges
from lakehouse.trade import Trade
from producer.budget import WeightBudget
from producer.metrics import Counters
from producer.protocol import DeadLetter, Outcome
from producer.repair import Repairer
from producer.repair_line import Patience
from producer.rest import AGG_TRADES_WEIGHT
from producer.rest_errors import RestError
from producer.sequencer import Gap
from tests.virtual_time import now, run_virtual

LATENCY: Final = 0.05
Fault = Callable[["Call", list[Trade]], list[Trade]]


def trade(agg_id: int, symbol: str = "S", source: Any = "rest") -> Trade:
    """A trade of two exchange trades; they are numbered through along the ids."""
    return Trade(
        "binance", symbol, agg_id, "1.5", "2", 2 * agg_id, 2 * agg_id + 1, 0, 0, True, 0, source
    )


def log_of() -> tuple[Any, list[Any]]:
    """A log and the lines that it was given."""
    capture = structlog.testing.LogCapture()
    return structlog.wrap_logger(structlog.PrintLogger(), processors=[capture]), capture.entries


@dataclass
class Recorder:
    """An Intake that keeps everything; `room` False: no room."""

    trades: list[Trade] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    gone: list[tuple[float, str, int, int]] = field(default_factory=list)
    last: dict[str, int] = field(default_factory=dict)
    room: bool = True
    refusals: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, outcome: Outcome) -> bool:
        assert isinstance(outcome, DeadLetter)
        if self.room:
            self.letters.append(outcome)
        return self.room

    def offer_repaired(self, trade: Trade) -> bool:
        if self.room:
            self.trades.append(trade)
        self.refusals += not self.room
        self.changed.set()
        return self.room

    def absent(self, symbol: str, from_id: int, to_id: int) -> None:
        self.gone.append((asyncio.get_running_loop().time(), symbol, from_id, to_id))

    def last_id(self, symbol: str) -> int | None:
        return self.last.get(symbol)

    def ids(self, symbol: str = "S") -> list[int]:
        """The repaired ids in order of arrival."""
        return [trade.agg_id for trade in self.trades if trade.symbol == symbol]

    def lost(self, symbol: str = "S") -> IdRanges:
        """The ids given up."""
        return IdRanges((lo, hi) for _, name, lo, hi in self.gone if name == symbol)


class Call(NamedTuple):
    """One request."""

    at: float
    symbol: str
    from_id: int
    limit: int


class MemoryRest:
    """Has every id but the `holes`, up to `top(symbol)`; each request passes the `fault`."""

    def __init__(self, holes: Iterable[int] = (), top: int = 10**9) -> None:
        self.holes = frozenset(holes)
        self.top: Callable[[str], int] = lambda symbol: top
        self.fault: Fault = lambda call, trades: trades
        self.budget = WeightBudget(4800)
        self.calls: list[Call] = []
        self._turn = asyncio.Lock()
        self.under_way: list[str] = []
        self.most = 0

    async def agg_trades(self, symbol: str, from_id: int, limit: int) -> list[Trade]:
        async with self._turn:  # as RestClient does
            while seconds := self.budget.wait(AGG_TRADES_WEIGHT, now()):  # noqa: ASYNC110
                await asyncio.sleep(seconds)
        call = Call(now(), symbol, from_id, limit)
        self.calls.append(call)
        assert symbol not in self.under_way, "one request of a symbol at a time"
        self.under_way.append(symbol)
        self.most = max(self.most, len(self.under_way))
        try:
            await asyncio.sleep(LATENCY)
            return self.fault(call, self._rows(symbol, from_id, limit))
        finally:
            self.under_way.remove(symbol)

    def _rows(self, symbol: str, from_id: int, limit: int) -> list[Trade]:
        rows: list[Trade] = []
        agg_id = from_id
        while agg_id <= self.top(symbol) and len(rows) < limit:
            if agg_id not in self.holes:
                # Above a hole the exchange's own trades go on without one.
                rows.append(self._row(symbol, agg_id))
            agg_id += 1
        return rows

    def _row(self, symbol: str, agg_id: int) -> Trade:
        below = agg_id - 1
        while below in self.holes:
            below -= 1
        return trade(agg_id, symbol)._replace(first_trade_id=2 * below + 2)


class Bench(NamedTuple):
    """A repairer at work."""

    repairer: Repairer
    rest: MemoryRest
    intake: Recorder
    budget: WeightBudget
    counters: Counters
    lines: list[Any]

    def want(self, *gaps: tuple[int, int], symbol: str = "S") -> None:
        """Request these gaps."""
        for lo, hi in gaps:
            self.repairer.request(Gap(symbol, lo, hi))

    async def until_done(self, seconds: float = 3600.0) -> float:
        """Wait until nothing is pending; when that was. AssertionError after so many seconds."""
        return await self.until(lambda: self.repairer.pending == 0, seconds)

    async def until(self, condition: Callable[[], bool], seconds: float = 3600.0) -> float:
        """Wait for a condition; when it came true. AssertionError after so many seconds."""
        began = now()
        while not condition():
            assert now() < began + seconds, f"{self.repairer.pending} pending"
            await asyncio.sleep(0.05 if now() < began + 20 else 1)
        return now()


def bench(
    rest: MemoryRest | None = None,
    limit: int = 4800,
    patience: Patience | None = None,
    intake: Recorder | None = None,
) -> Bench:
    """A repairer in the running loop's time; `running` sets it to work."""
    rest, intake = rest or MemoryRest(), intake or Recorder()
    budget = rest.budget = WeightBudget(limit)
    counters = Counters()
    log, lines = log_of()
    repairer = Repairer(rest, intake, budget, counters, log, Random(1), patience, now)
    return Bench(repairer, rest, intake, budget, counters, lines)


@asynccontextmanager
async def running(repairer: Repairer) -> AsyncIterator[None]:
    """Let it run; errors of it are not swallowed."""
    task = asyncio.create_task(repairer.run())
    try:
        yield
        assert not task.done(), "it runs until it is cancelled"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def fails_first(times: int, error: Callable[[], RestError]) -> Fault:
    """The first requests fail."""
    left = [times]

    def fault(call: Call, trades: list[Trade]) -> list[Trade]:
        left[0] -= 1
        if left[0] >= 0:
            raise error()
        return trades

    return fault


def span(lo: int, hi: int) -> Sequence[int]:
    """The ids lo..hi, both included."""
    return range(lo, hi + 1)


Script = Callable[[Bench], Awaitable[None]]


def play(script: Script, rest: MemoryRest | None = None) -> Bench:
    """Run a script beside a running repairer."""

    async def main() -> Bench:
        made = bench(rest)
        async with running(made.repairer):
            await script(made)
        return made

    return run_virtual(main())


def wanting(*gaps: tuple[int, int]) -> Script:
    """A script: request gaps, wait until all is done."""

    async def script(b: Bench) -> None:
        b.want(*gaps)
        await b.until_done()

    return script
