"""All connections to the exchange: the driver that carries out what the pure parts decide.

shard.py says which symbols share a connection, crew.py keeps a shard connected, watchdog.py says
which symbol is silent for too long. This module owns the clock.
"""

import asyncio
import time
from collections.abc import Sequence
from random import Random
from typing import Final, Protocol

from lakehouse.settings import Settings
from producer.connection import open_connection
from producer.crew import Crew, Outfit
from producer.health import ShardState
from producer.intake import Intake
from producer.lifeline import ConnectBudget, Policy
from producer.line import Gate, Opener
from producer.logs import Limit, Log
from producer.metrics import Counters
from producer.shard import Assignment
from producer.watchdog import SymbolWatch, Verdict

TICK_SECONDS: Final = 0.02
STOP_SECONDS: Final = 2.0
# A symbol is heard at most once a look, so looks must be dense beside the shortest silence.
_LOOKS: Final = 40
_STUCK_SECONDS: Final = 1.0
_LOG_SECONDS: Final = 1.0


class Prober(Protocol):
    """Asks the exchange over REST whether a symbol has trades from an id on."""

    def probe(self, symbol: str, from_id: int) -> None:
        """The answer comes to Fleet.probed."""
        ...


class Fleet:
    """Keeps every symbol subscribed on some connection until it is stopped."""

    def __init__(
        self,
        settings: Settings,
        intake: Intake,
        repairer: Prober,
        counters: Counters,
        log: Log,
        rng: Random,
        opener: Opener = open_connection,
        policy: Policy | None = None,
    ) -> None:
        """`policy` replaces the times and limits that follow from the settings."""
        self._intake = intake
        self._prober = repairer
        self._counters = counters
        self._log = log
        self._gate = Gate(counters)
        policy = policy or Policy(rotate_after=settings.rotate_after_seconds)
        budget = ConnectBudget(policy)
        url = settings.binance_ws_url
        self._outfit = Outfit(url, intake, counters, log, rng, opener, policy, budget, self._gate)
        self._assignment = Assignment(settings.streams_per_connection)
        self._crews: dict[int, Crew] = {}
        self._leaving: list[Crew] = []
        self._watch_seconds = policy.symbol_silence / _LOOKS
        self._watch = SymbolWatch(policy.symbol_silence)
        self._limit = Limit(_LOG_SECONDS)
        self._looked_at = self._watched_at = time.monotonic()
        self.set_symbols(settings.symbols)

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols that are wanted."""
        return self._assignment.symbols

    @property
    def shards(self) -> int:
        """How many connections are wanted."""
        return len(self._crews)

    @property
    def connected(self) -> int:
        """How many shards have a connection."""
        return sum(crew.connected for crew in self._crews.values())

    @property
    def ready(self) -> bool:
        """Whether every shard has a connection."""
        return self.connected == self.shards

    def states(self) -> list[ShardState]:
        """Every shard: its symbols, and whether and for how long its connection stands."""
        now = time.monotonic()
        return [
            ShardState(len(self._assignment.shards[number]), crew.connected, crew.age(now))
            for number, crew in self._crews.items()
        ]

    def dead_streams(self) -> list[str]:
        """Symbols of which the exchange has trades that don't come live."""
        return self._watch.dead()

    def set_symbols(self, symbols: Sequence[str]) -> None:
        """From now on exactly these; those that stay are not disturbed."""
        changes = self._assignment.set(symbols)
        for number, removed in changes.removed.items():
            self._forget(removed)
            self._crews[number].remove(removed)
        for number in [number for number in self._crews if number not in self._assignment.shards]:
            crew = self._crews.pop(number)
            crew.close("no symbol is left")
            self._leaving.append(crew)
        for number, added in changes.added.items():
            self._add(number, added)

    def probed(self, symbol: str, found: int) -> None:
        """The answer to a probe: so many trades that had not come."""
        self._watch.answered(symbol, found, time.monotonic())

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop` is set; whatever the intake raises ends it too.

        On stop the frames already received are still handed over, for STOP_SECONDS at most.
        """
        try:
            while not stop.is_set():
                self._tick(time.monotonic())
                await asyncio.sleep(TICK_SECONDS)
            await self._stop()
        finally:
            await self._cancel()
            self._counters.connected = 0

    def _add(self, number: int, symbols: list[str]) -> None:
        self._watch.add(symbols, time.monotonic())
        for symbol in symbols:
            self._counters.trades.setdefault(symbol, 0)
        if number in self._crews:
            self._crews[number].add(symbols)
        else:
            self._crews[number] = Crew(number, self._outfit)

    def _forget(self, symbols: list[str]) -> None:
        self._watch.remove(symbols)
        for symbol in symbols:
            if not self._counters.trades.get(symbol):
                self._counters.trades.pop(symbol, None)

    def _tick(self, now: float) -> None:
        if self._gate.closed or now - self._looked_at > _STUCK_SECONDS:
            # Nobody read meanwhile: that is no silence of the exchange.
            self._excuse(now)
        self._looked_at = now
        for number, crew in self._crews.items():
            crew.follow(now)
            crew.step(self._assignment.shards[number], now)
        for crew in self._leaving:
            crew.follow(now)
        self._leaving = [crew for crew in self._leaving if crew.lines]
        self._counters.connected = self.connected
        self._counters.shards = self.shards
        if now - self._watched_at >= self._watch_seconds:
            self._watched_at = now
            self._watch_symbols(now)

    def _excuse(self, now: float) -> None:
        if self._gate.closed:
            unsaid = self._limit.ask("held_back", now)
            if unsaid is not None:
                self._log.warning("held_back", in_flight=self._counters.in_flight, unsaid=unsaid)
        self._watch.excuse_all(now)
        for crew in self._crews.values():
            crew.excuse(now)

    def _watch_symbols(self, now: float) -> None:
        for number, crew in self._crews.items():
            for symbol in crew.heard():
                self._watch.seen(symbol, 1, now)
            if not crew.connected:
                # Its symbols are silent for a reason that is being seen to.
                self._watch.excuse(self._assignment.shards[number], now)
        for symbol in self._watch.suspects(now):
            self._ask(symbol)
        for symbol, verdict in self._watch.verdicts(now):
            self._heal(symbol, verdict)

    def _ask(self, symbol: str) -> None:
        last = self._intake.last_id(symbol)
        if last is not None:
            self._counters.probes += 1
            self._prober.probe(symbol, last + 1)

    def _heal(self, symbol: str, verdict: Verdict) -> None:
        crew = self._crews[self._assignment.shard_of[symbol]]
        self._log.warning("stream_dead", symbol=symbol, shard=crew.number, then=verdict.value)
        self._counters.dead_streams += 1
        if verdict is Verdict.RESUBSCRIBE:
            crew.renew(symbol)
        else:
            crew.replace(f"the stream of {symbol} is dead")

    def _tasks(self) -> "list[asyncio.Task[None]]":
        crews = [*self._crews.values(), *self._leaving]
        lines = [line for crew in crews for line in crew.lines.values()]
        return [line.task for line in lines if line.task is not None]

    async def _stop(self) -> None:
        for crew in self._crews.values():
            crew.close("stopped")
        tasks = self._tasks()
        if not tasks:
            return
        done, _ = await asyncio.wait(tasks, timeout=STOP_SECONDS)
        for task in done:
            if not task.cancelled():
                task.result()

    async def _cancel(self) -> None:
        tasks = self._tasks()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
