"""The producer put together: which part is told of which, and in what order they start and end."""

import asyncio
from pathlib import Path
from random import Random
from typing import Final

from lakehouse.settings import Settings
from producer.budget import WeightBudget
from producer.fleet import Fleet
from producer.following import Following
from producer.logs import Log
from producer.metrics import Counters
from producer.operations import Operations
from producer.repair import Repairer
from producer.rest import MAX_ROWS, RestClient
from producer.resume import recall
from producer.runtime import Runtime, side_by_side
from producer.sink import KafkaSink
from producer.symbols_file import SymbolsFile
from producer.topics import ensure_topics
from producer.vitals import PartVitals

# Live trades tell of most gaps by themselves; the silent symbols are asked about after so long.
_CATCH_UP_SECONDS: Final = 2.0


class Producer:
    """One producer: `start`, `run` until stopped, `close`, in this order."""

    def __init__(self, settings: Settings, symbols_file: Path | None, log: Log) -> None:
        self.counters = Counters()
        self._settings = settings
        self._log = log
        self._operations = Operations(self.counters)
        self._budget = WeightBudget(settings.rest_weight_per_minute)
        self._rest = RestClient(settings.binance_rest_url, self._budget, self.counters)
        self._following = Following(settings.symbols, self._rest, log, SymbolsFile(symbols_file))
        self._sink: KafkaSink | None = None

    @property
    def symbols(self) -> tuple[str, ...]:
        """What is followed."""
        return self._following.symbols

    async def start(self) -> int:
        """Make ready to receive; the port of metrics and health.

        FirehoseError where settings, port, Kafka or the list of symbols don't allow it.
        """
        settings, log = self._settings, self._log
        port = await self._operations.start(settings.producer_metrics_port, settings.metrics_host)
        symbols = await self._following.start()
        topics = await asyncio.to_thread(ensure_topics, settings, log)
        for warning in topics.warnings:
            log.warning("topic_differs", detail=warning)
        recalled = await asyncio.to_thread(recall, settings, log, symbols)
        self._sink = KafkaSink(settings, topics, self.counters, log)
        await asyncio.to_thread(self._sink.warm_up)
        self._runtime = Runtime(settings, self._sink, self.counters, log)
        self._runtime.resume(recalled)
        self._wire(symbols)
        return port

    async def run(self, stop: asyncio.Event) -> None:
        """Receive until `stop` is set, then bring what was received to Kafka."""
        self._runtime.desk.reopen()
        await side_by_side(
            self._fleet.run(stop),
            self._runtime.tick_forever(),
            self._repairer.run(),
            self._following.run(),
            self._catch_up(),
        )
        await self._runtime.finish(self._settings.producer_stop_seconds)

    def hang_up(self) -> None:
        """What SIGHUP does: take over SYMBOLS as they are set now."""
        self._following.hang_up()

    async def close(self) -> None:
        """Let go of Kafka, the exchange and the port, however far `start` has come."""
        if self._sink is not None:
            self._sink.close()
        await self._rest.close()
        await self._operations.stop()

    async def _catch_up(self) -> None:
        """Ask for what came since the last run, of symbols that no live trade speaks of yet."""
        if not self._settings.resume_max_trades:
            return
        known = self._runtime.sequencer.known()
        while not self._fleet.ready:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        await asyncio.sleep(_CATCH_UP_SECONDS)
        for symbol in set(known).intersection(self.symbols):
            (_, resumed), last = known[symbol], self._runtime.desk.last_id(symbol)
            if last == resumed:
                self._repairer.probe(symbol, last + 1)

    def _follow(self, symbols: tuple[str, ...]) -> None:
        self.counters.follow(symbols)
        self._fleet.set_symbols(symbols)

    def _probed(self, symbol: str, found: int) -> None:
        self._fleet.probed(symbol, found)
        last = self._runtime.desk.last_id(symbol)
        if found >= MAX_ROWS and last is not None:
            self._repairer.probe(symbol, last + 1)  # a full page: there is more

    def _wire(self, symbols: tuple[str, ...]) -> None:
        settings, desk, counters, log = (
            self._settings, self._runtime.desk, self.counters, self._log,
        )  # fmt: skip
        self._repairer = Repairer(self._rest, desk, self._budget, counters, log, Random())
        self._fleet = Fleet(settings, desk, self._repairer, counters, log, Random())
        desk.request = self._repairer.request
        self._repairer.on_probe = self._probed
        self._follow(symbols)
        self._following.on_change = self._follow
        self._operations.following = self._following
        self._operations.vitals = PartVitals(self._runtime, self._fleet, self._budget)
