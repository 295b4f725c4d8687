"""The main job from start to end: exchange → Kafka → Bronze → Silver → Gold, watched."""

import threading
import time
from dataclasses import dataclass
from functools import partial

from lakehouse import symbol_spec
from lakehouse.errors import SettingsError, StackError
from lakehouse.pipeline import figures, preflight
from lakehouse.pipeline.beside import Beside
from lakehouse.pipeline.checker import Checker
from lakehouse.pipeline.exchange_watch import ExchangeWatch
from lakehouse.pipeline.feed import Extent, Feed, SimulatedExchange
from lakehouse.pipeline.live import LiveView
from lakehouse.pipeline.parts import (
    Part,
    Parts,
    Stopped,
    ask_to_drain,
    producer_command,
    spark_command,
)
from lakehouse.pipeline.stream_watch import StreamWatch
from lakehouse.settings import Settings
from lakehouse.stack.embedded import Stack

_POLL_SECONDS = 0.5
# Seconds as a rule; minutes on a machine that is busy with other things.
_READY_SECONDS = 300.0
# What the producer needs for its end, beside the acknowledgements that it waits for.
_STOP_MARGIN = 5.0
# What the exchange can't give any more is waited for as long as the producer needs to ask for it
# and be refused a few times.
_STILL_SECONDS = 75.0
_RECORDING = "It is one frame of the combined stream a line; docs/simulator.md tells more."


@dataclass(frozen=True)
class Outcome:
    """What was fed, where a simulator knows it; the settings that the parts ran with."""

    settings: Settings
    truth: tuple[Extent, ...] = ()
    dead_letters: int = 0


class MainJob:
    """Runs until `stop` is set or, with `until_idle`, until all that was fed is in Gold.

    `beside` are further parts, of `firehose up`.
    """

    def __init__(
        self,
        settings: Settings,
        feed: Feed | None,
        view: LiveView,
        until_idle: bool,
        beside: Beside | None = None,
    ) -> None:
        self.stop = threading.Event()
        self._settings = settings
        self._feed = feed
        self._view = view
        self._until_idle = until_idle
        self._beside = beside
        self._still_since = time.monotonic()
        self._streams = StreamWatch(view.say)

    def run(self) -> Outcome:
        """The whole job; StackError and its kin where a part can't be kept running."""
        with Stack(self._settings, self._view.say) as stack:
            if self._beside:
                self._settings = self._beside.storage(stack, self._settings)
                self._view.look_at(self._settings)
            preflight.check(self._settings)
            try:
                return self._run(stack)
            except Stopped:
                return Outcome(self._settings)

    def _run(self, stack: Stack) -> Outcome:
        exchange = self._start_exchange(stack)
        settings = self._wired(stack, exchange)
        parts = Parts(stack, settings, self._view.say, self.stop)
        symbols_file = None if exchange else self._settings.data_path / "symbols.json"
        producer = parts.start("producer", partial(producer_command, symbols_file))
        parts.wait_ready(producer, _READY_SECONDS)
        what = symbol_spec.in_words(settings.symbols)
        self._view.say(f"Producer ready; trades of {what} go to Kafka.")
        spark = parts.start("spark", spark_command)
        parts.wait_ready(spark, _READY_SECONDS)
        self._view.say("Streams started: Kafka → Bronze → Silver → Gold.")
        if self._beside:
            self._beside.start(parts, settings)
        checker = Checker(parts, settings, (producer, spark), self._view.say)
        self._watch(parts, producer, spark, exchange, checker)
        truth = tuple(exchange.truth()) if exchange else ()
        checker.stop()
        if self._beside:
            self._beside.stop()
        self._finish(parts, producer, spark)
        return Outcome(settings, truth, self._view.state.producer.dlq_delivered)

    def _start_exchange(self, stack: Stack) -> SimulatedExchange | None:
        if self._feed is None:
            return None
        part = Parts(stack, self._settings, self._view.say, self.stop)
        simulator = part.start("simulator", self._feed.command)
        part.wait_ready(simulator, _READY_SECONDS)
        exchange = SimulatedExchange.from_ready_file(simulator.ready_file)
        if not exchange.symbols:
            raise SettingsError("The recording holds no trade of any symbol.", _RECORDING)
        self._view.say(f"Simulated exchange at {exchange.ws_url}.")
        return exchange

    def _wired(self, stack: Stack, exchange: SimulatedExchange | None) -> Settings:
        """The settings with the addresses of what was started here."""
        found: dict[str, object] = {}
        if not self._settings.kafka_bootstrap_servers:
            found["kafka_bootstrap_servers"] = stack.start_kafka()
        if exchange is not None:
            found |= {"binance_ws_url": exchange.ws_url, "binance_rest_url": exchange.rest_url}
            found["symbols"] = exchange.symbols
        return self._settings.model_copy(update=found)

    def _watch(
        self,
        parts: Parts,
        producer: Part,
        spark: Part,
        exchange: SimulatedExchange | None,
        checker: Checker,
    ) -> None:
        self._view.state.phase = "running"
        url = exchange.ws_url if exchange else self._settings.binance_ws_url
        watch = ExchangeWatch(url, self._view.say)
        while not self.stop.wait(_POLL_SECONDS):
            parts.tend(producer, spark)
            if self._beside:
                self._beside.tend(parts)
            checker.tend()
            self._look(producer, spark)
            watch.see(self._view.state.producer, time.monotonic())
            if exchange is not None and self._fed(exchange, producer) and self._until_idle:
                self._view.say("All that was fed is in Kafka; the streams finish.")
                return

    def _look(self, producer: Part, spark: Part) -> None:
        state, ready = self._view.state, producer.ready()
        found = figures.fetch(int(ready["metrics_port"])) if ready else None
        if found is not None and found != state.producer:
            state.producer = found
            self._still_since = time.monotonic()
        self._look_at_streams(spark)

    def _look_at_streams(self, spark: Part) -> None:
        told, state = spark.ready() or {}, self._view.state
        state.jobs = told.get("jobs", state.jobs)
        state.spikes = told.get("spikes", state.spikes)
        self._streams.see(self._view.state.jobs)

    def _fed(self, exchange: SimulatedExchange, producer: Part) -> bool:
        """Whether the simulator has sent everything and Kafka has acknowledged all of it."""
        status = exchange.status()
        if status.get("error"):
            raise StackError(f"The simulated exchange failed: {status['error']}")
        state = self._view.state
        state.frames_total = status["frames_total"]
        if not status["finished"] or not state.producer.all_accounted:
            return False
        if time.monotonic() - self._still_since > _STILL_SECONDS:
            return True
        return state.producer.repair_pending == 0 and self._reached(exchange, producer)

    def _reached(self, exchange: SimulatedExchange, producer: Part) -> bool:
        """Whether the producer has the last trade of every symbol."""
        ready = producer.ready()
        last = figures.last_ids(int(ready["metrics_port"])) if ready else {}
        return all(last.get(each.symbol, -1) >= each.last_id for each in exchange.truth())

    def _finish(self, parts: Parts, producer: Part, spark: Part) -> None:
        """End the producer, then the streams: drained where that was asked for."""
        if self.stop.is_set():
            self._view.state.phase = "stopping"
            self._view.say("Stopping: the producer flushes, the streams end their batches.")
            producer.process.stop(self._settings.producer_stop_seconds + _STOP_MARGIN)
            spark.process.stop(60.0)
            return
        self._view.state.phase = "finishing"
        producer.process.stop(self._settings.producer_stop_seconds + _STOP_MARGIN)
        # Asked once a round: a process that ends well between two looks must not be revived.
        while (code := spark.process.returncode) != 0 and not self.stop.wait(_POLL_SECONDS):
            if code is None:
                parts.tend()
                ask_to_drain(spark)
            else:
                parts.tend(spark)
            self._look_at_streams(spark)
