"""One world of real processes, from the exchange to the lake; everything in it can be hit."""

import json
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any, Final

from confluent_kafka import KafkaException
from pydantic import SecretStr

from lakehouse.settings import Settings, load
from lakehouse.stack import java
from lakehouse.stack.process import ManagedProcess
from lakehouse.stack.seaweed import WAREHOUSE, Keys, SeaweedServer
from tests.chaos.broker import Broker
from tests.chaos.exchange_process import ExchangeProcess, MarketOrder
from tests.chaos.fault_proxy import FaultProxy, Loop
from tests.chaos.judge import Judge
from tests.chaos.lake_services import BrokerLife, ProducerLife
from tests.chaos.small_disks import SmallDisk, own_mounts
from tests.chaos.supervised import Service
from tests.chaos.topic_reader import Record, TopicReader
from tests.chaos.topic_writer import TopicWriter
from tests.commands import wait_for

KEYS: Final = Keys("chaos", SecretStr("the-secret-of-the-chaos-run"))
WATERMARK_MINUTES: Final = 1
# What each of the small disks needs for a long run, and little more.
DISKS: Final = {"checkpoints": 64, "kafka": 400, "s3": 1500}
_UP_SECONDS: Final = 900.0
_SECOND_SECONDS: Final = 90.0
_REMEMBERED: Final = 5_000
_LATE_AT_ONCE: Final = 40


class LakeWorld:
    """Exchange → producer → broker → Spark → S3 and catalog, the last two behind proxies."""

    def __init__(self, folder: Path, loop: Loop, order: MarketOrder) -> None:
        self.folder = folder
        self.rng = Random(order.seed)
        self.disks = _disks(folder)
        self.exchange = ExchangeProcess(folder, order)
        self.seaweed = SeaweedServer(folder / "s3" / "data", KEYS, self._spawn)
        self.s3 = FaultProxy(loop, self.seaweed.s3, order.seed)
        self.catalog = FaultProxy(loop, self.seaweed.catalog, order.seed)
        self.broker_process = Broker(folder / "kafka" / "broker")
        self.settings = self._settings()
        self.services = {
            "seaweedfs": Service("seaweedfs", self._start_seaweed),
            "broker": Service("broker", lambda: BrokerLife(self.broker_process)),
            "spark": Service("spark", self._start_spark),
            "producer": Service("producer", lambda: ProducerLife(folder, self.settings)),
        }
        topics = (self.settings.kafka_topic, self.settings.kafka_dlq_topic)
        self._reader = TopicReader(
            self.settings.kafka_bootstrap_servers, (*topics, self.settings.kafka_gap_topic)
        )
        self.writer = TopicWriter(
            self.settings.kafka_bootstrap_servers, topics[0], self.exchange, self.rng
        )
        self.judge = Judge(self.exchange)
        self.bad: dict[tuple[str, int, int], bytes] = {}
        self.late: set[tuple[str, int]] = set()
        self.records = 0
        self._recent: deque[tuple[str, bytes]] = deque(maxlen=_REMEMBERED)

    def start(self) -> None:
        """Everything, in the order of need; returns when trades are in Silver."""
        for name in ("seaweedfs", "broker", "producer", "spark"):
            self.services[name].begin()
        wait_for(lambda: self.flowing_since(0.0), _UP_SECONDS, "trades in Silver")

    def streams_run(self) -> bool:
        """Whether the Spark application that lives now has started its streams."""
        with suppress(OSError, ValueError, KeyError):
            return bool(json.loads(self._status.read_bytes())["pid"] == self.services["spark"].pid)
        return False

    def flowing_since(self, moment: float) -> bool:
        """Whether a batch of Silver has ended since then (s since 1970)."""
        with suppress(OSError, ValueError, KeyError):
            told = json.loads(self._status.read_bytes())["jobs"]["crypto_silver_trades"]
            return bool((told["finished_at"] or 0.0) > moment)  # null before its first batch
        return False

    def look(self) -> None:
        """Read what Kafka has got since the last look, and remember it."""
        for record in self._reader.new(self.settings.kafka_topic):
            self._take(record)
        for record in self._reader.new(self.settings.kafka_dlq_topic):
            self.judge.dead_letter(record)
        for record in self._reader.new(self.settings.kafka_gap_topic):
            self.judge.gap(record)

    def glance(self) -> bool:
        """As `look`, but False where the broker is away: the next look goes on from there."""
        try:
            self.look()
        except (KafkaException, AssertionError):
            return False
        return True

    def repeat(self, count: int) -> None:
        """Some of what Kafka has already is written to it once more."""
        self.glance()
        known = [*self._recent]
        self.writer.write_again(self.rng.sample(known, min(count, len(known))))

    def add_late(self) -> None:
        """The ids right below what a symbol has: an archive fills them from above."""
        symbol = self.rng.choice(self.exchange.order.symbols)
        self.glance()
        if not self.judge.books[symbol].seen:
            return  # Kafka was not seen yet, so nobody knows what is missing
        written = {agg_id for name, agg_id in self.writer.late.values() if name == symbol}
        lowest = min(self.judge.books[symbol].seen | written)
        first = max(self.exchange.spec.first_id, lowest - _LATE_AT_ONCE)
        self.writer.write_late(symbol, range(first, lowest))

    def haunt(self) -> None:
        """Spark is frozen in mid-work, taken for dead, another is started; the first wakes up."""
        first, status = self.services["spark"], self.folder / "second.json"
        status.unlink(missing_ok=True)
        first.send(signal.SIGSTOP)
        second = self._spark("second", status)
        try:
            deadline = time.monotonic() + _SECOND_SECONDS
            while second.alive and not status.exists() and time.monotonic() < deadline:
                time.sleep(0.2)
            time.sleep(self.rng.uniform(0.0, 3.0))
            first.send(signal.SIGCONT)
            time.sleep(self.rng.uniform(1.0, 5.0))
        finally:
            second.kill()

    def heal(self) -> None:
        """Take every harm away; what is dead is started again by its supervisor."""
        self.exchange.disarm()
        for proxy in (self.s3, self.catalog):
            proxy.fault(None)
        for disk in self.disks.values():
            disk.free()
        for service in self.services.values():
            service.send(signal.SIGCONT)

    def spark_log(self, lines: int = 60) -> str:
        """The end of Spark's log."""
        return "\n".join(
            (self.folder / "spark.log").read_text(errors="replace").splitlines()[-lines:]
        )

    def close(self) -> None:
        """End everything."""
        for service in reversed(self.services.values()):
            service.end()
        self._reader.close()
        self.exchange.end()
        for disk in self.disks.values():
            disk.remove()

    @property
    def _status(self) -> Path:
        return self.folder / "spark.json"

    def _take(self, record: Record) -> None:
        self.records += 1
        if record.value in self.writer.bad:
            self.bad[record.topic, record.partition, record.offset] = record.value
            return
        if record.value in self.writer.late:
            self.late.add(self.writer.late[record.value])
            return
        self.judge.trade(record)
        self._recent.append(((record.key or b"").decode(), record.value))

    def _spawn(
        self, name: str, argv: Any, env: Any = None, grace_seconds: float = 15.0
    ) -> ManagedProcess:
        return ManagedProcess(name, argv, self.folder / f"{name}.log", env, grace_seconds)

    def _start_seaweed(self) -> ManagedProcess:
        self.seaweed.start(self.s3.url)
        assert self.seaweed.process is not None
        return self.seaweed.process

    def _start_spark(self) -> ManagedProcess:
        return self._spark("spark", self._status)

    def _spark(self, name: str, status: Path) -> ManagedProcess:
        words = [sys.executable, "-m", "spark_jobs", "run", "--status-file", str(status)]
        machine = {"JAVA_HOME": str(java.find().home)}
        return self._spawn(name, words, {**self.settings.as_env(), **machine})

    def _settings(self) -> Settings:
        secret = KEYS.secret.get_secret_value()
        return load(
            _env_file=None,
            symbols=self.exchange.order.symbols,
            binance_ws_url=self.exchange.ws_url,
            binance_rest_url=self.exchange.rest_url,
            kafka_bootstrap_servers=self.broker_process.servers,
            lake_catalog_type="rest",
            lake_catalog_uri=self.catalog.url,
            lake_catalog_credential=KEYS.credential,
            lake_warehouse=WAREHOUSE,
            s3_endpoint=self.s3.url,
            s3_access_key=KEYS.access,
            s3_secret_key=secret,
            data_dir=self.folder,
            checkpoint_dir=str(self.folder / "checkpoints"),
            spark_driver_memory="1g",
            trigger_seconds=1.0,
            max_rows_per_batch=5_000,
            watermark_minutes=WATERMARK_MINUTES,
            writer_lease_seconds=5.0,
        )


@contextmanager
def lake_world(folder: Path, order: MarketOrder) -> Iterator[LakeWorld]:
    """A world that is there, with nothing running in it yet; nothing of it runs afterwards."""
    with Loop() as loop:
        world = LakeWorld(folder, loop, order)
        try:
            yield world
        finally:
            world.close()


def _disks(folder: Path) -> dict[str, SmallDisk]:
    """The small disks by name; none where nothing may be mounted."""
    if not own_mounts():
        return {}
    return {name: SmallDisk(folder / name, size) for name, size in DISKS.items()}
