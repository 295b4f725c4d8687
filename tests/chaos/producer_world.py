"""One world: a simulated exchange, a real Kafka, a producer between them, and a judge."""

import json
import signal
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lakehouse.settings import Settings, load
from tests.chaos.broker import Broker
from tests.chaos.exchange_process import ExchangeProcess, MarketOrder
from tests.chaos.judge import Judge, Verdict
from tests.chaos.producer_process import ProducerProcess
from tests.chaos.topic_reader import TopicReader
from tests.commands import firehose

SETTLE_SECONDS = 40.0
_POLL_SECONDS = 0.3


class World:
    """Everything in it can be hit at any moment; `settle` heals it and `verdict` judges it."""

    def __init__(
        self,
        folder: Path,
        broker: Broker,
        order: MarketOrder,
        extra: Mapping[str, str] | None = None,
        trust_times: bool = True,
        **settings: Any,
    ) -> None:
        """`extra` is the producers' environment beside `settings`, which go over the defaults."""
        self.folder = folder
        self.broker = broker
        self.exchange = ExchangeProcess(folder, order)
        self.settings = _settings(folder, broker, self.exchange, settings)
        self.producer: ProducerProcess | None = None
        self.judge = Judge(self.exchange, trust_times)
        self._extra = extra
        self._reader = TopicReader(broker.servers, topics_of(self.settings))
        self._wanted = False
        self.lives = 0
        self.codes = Counter[int]()  # how lives ended

    def start(self, wait: bool = True) -> ProducerProcess:
        """A producer's (next) life; with `wait`, until Kafka has acknowledged trades of it."""
        assert self.producer is None or not self.producer.alive
        self._wanted = True
        self.lives += 1
        self.producer = ProducerProcess(self.folder, self.settings, self._extra)
        if wait:
            self.producer.until_delivered()
        return self.producer

    def revive(self) -> None:
        """Start a producer where none lives, without waiting for it."""
        if self.producer is None or not self.producer.alive:
            self.start(wait=False)

    def kill(self) -> None:
        """kill -9 of the producer; it stays dead until it is revived."""
        self._wanted = False
        if self.producer and self.producer.alive:
            self.producer.kill()
            self.codes[-9] += 1

    def dismiss(self) -> None:
        """SIGTERM to the producer, as at a deploy; it stays away until it is revived."""
        self._wanted = False
        if self.producer and self.producer.alive:
            self.producer.thaw()
            started = self.producer.ready
            code = self.producer.terminate()
            # While Python still starts nobody listens to the signal; nothing is at stake then.
            assert started or code in (0, -signal.SIGTERM), f"{code}:\n{self.producer.tail()}"
            self.codes[code if started else 0] += 1

    def freeze(self) -> None:
        """SIGSTOP to the producer, where it lives."""
        if self.producer:
            self.producer.freeze()

    def thaw(self) -> None:
        """SIGCONT to the producer, where it lives."""
        if self.producer:
            self.producer.thaw()

    def supervise(self) -> None:
        """Start the producer again where it ended by itself, as `firehose run` does."""
        if self._wanted and self.producer and not self.producer.alive:
            self.codes[self.producer.wait()] += 1
            self.start(wait=False)

    @property
    def running(self) -> ProducerProcess:
        """The producer that lives now."""
        assert self.producer is not None, "no producer was started"
        assert self.producer.alive, f"the producer ended by itself:\n{self.producer.tail()}"
        return self.producer

    def heal(self) -> None:
        """Disarm every fault and let all processes run again."""
        self.exchange.disarm()
        self.broker.start_again()
        self.broker.thaw()
        self.thaw()

    def settle(self, seconds: float = SETTLE_SECONDS) -> dict[str, int]:
        """Heal, then wait until Kafka has all that the exchange had produced by now; its last ids.

        It returns when the time is over as well: the verdict tells what is still missing.
        """
        self.heal()
        last_ids = self.exchange.last_ids()
        deadline = time.monotonic() + seconds
        while not self._caught_up(last_ids) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            assert self.running.alive
        return last_ids

    def verdict(self, last_ids: dict[str, int]) -> Verdict:
        """Stop the producer as a deploy does (it must end well), read on, and judge."""
        assert self.running.terminate() == 0, self.running_tail()
        self._read()
        return self.judge.verdict(last_ids)

    def check(self, seconds: float = SETTLE_SECONDS, duplicates: bool = False) -> Verdict:
        """Settle and demand a clean verdict; `duplicates` are tolerated after a kill -9 alone."""
        verdict = self.verdict(self.settle(seconds))
        faults = [*verdict.faults]
        if verdict.duplicates and not duplicates:
            faults.append(f"{verdict.duplicates} duplicates in Kafka")
        faults += self._accounts(verdict)
        print(f"judged: {verdict.line()}")
        assert not faults, f"{verdict.line()}\n{chr(10).join(faults)}\n{self.running_tail()}"
        if not verdict.duplicates:
            self._verify()
        return verdict

    def running_tail(self) -> str:
        """The end of the producer's log."""
        return self.producer.tail() if self.producer else "no producer"

    def close(self) -> None:
        """End all processes of this world; the broker is shared, and left running."""
        if self.producer:
            self.producer.kill()
        self.exchange.end()
        self._reader.close()
        self.broker.start_again()
        self.broker.thaw()

    def _accounts(self, verdict: Verdict) -> list[str]:
        """What the last life's own books say, and whether they are those of Kafka."""
        told = self._last_words()
        received = told["frames"] + told["rest_trades"]
        spent = sum(told[name] for name in ("delivered", "dlq_delivered", "control", "duplicates"))
        wrong = [] if received == spent else [f"{received} received, {spent} accounted for"]
        written = (verdict.trades + verdict.duplicates, verdict.dead_letters)
        if self.lives == 1 and written != (told["delivered"], told["dlq_delivered"]):
            wrong.append(f"the producer counts {told}, Kafka holds {written}")
        return wrong

    def _last_words(self) -> dict[str, int]:
        assert self.producer is not None
        lines = self.producer.log.read_text(errors="replace").splitlines()
        last = next(line for line in reversed(lines) if '"event":"stopped"' in line)
        return {name: value for name, value in json.loads(last).items() if type(value) is int}

    def _verify(self) -> None:
        """The project's own proof must come to the judge's verdict."""
        words = ("verify", "--layers", "kafka", "--kafka", "--data-dir", str(self.folder / "lake"))
        done = firehose(self.folder, *words, env=self.settings.as_env())
        assert done.returncode == 0, done.stdout

    def _caught_up(self, last_ids: dict[str, int]) -> bool:
        self._read()
        return self.judge.caught_up(last_ids)

    def _read(self) -> None:
        settings, judge = self.settings, self.judge
        for topic, take in (
            (settings.kafka_topic, judge.trade),
            (settings.kafka_dlq_topic, judge.dead_letter),
            (settings.kafka_gap_topic, judge.gap),
        ):
            for record in self._reader.new(topic):
                take(record)


@contextmanager
def world_of(
    folder: Path, broker: Broker, order: MarketOrder | None = None, **options: Any
) -> Iterator[World]:
    """A world of its own topics on a shared broker; nothing of it runs afterwards."""
    world = World(folder, broker, order or MarketOrder(), **options)
    try:
        yield world
    finally:
        world.close()


def topics_of(settings: Settings) -> tuple[str, ...]:
    """The names of all topics that a producer writes."""
    return (
        settings.kafka_topic, settings.kafka_dlq_topic, settings.kafka_gap_topic,
        settings.kafka_position_topic,
    )  # fmt: skip


def _settings(
    folder: Path, broker: Broker, exchange: ExchangeProcess, more: Mapping[str, Any]
) -> Settings:
    name = f"chaos.{uuid.uuid4().hex[:8]}"
    topics = {f"kafka_{kind}topic": f"{name}.{kind}t" for kind in ("", "dlq_", "gap_", "position_")}
    chosen = {
        "symbols": exchange.order.symbols,
        "binance_ws_url": exchange.ws_url,
        "binance_rest_url": exchange.rest_url,
        "kafka_bootstrap_servers": broker.servers,
        "data_dir": folder,
        **topics,
    }
    return load(_env_file=None, **{**chosen, **more})
