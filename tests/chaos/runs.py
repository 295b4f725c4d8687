"""A `firehose run` in a process of its own, watched from outside and hit in mid-work."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from confluent_kafka import Consumer, TopicPartition

from lakehouse import tables
from lakehouse.pipeline import monitor
from lakehouse.settings import Settings
from lakehouse.stack.embedded import Stack
from tests.chaos.market import SYMBOLS, Fed
from tests.commands import processes_of
from tests.dead_letters import offsets
from tests.places import Place

# Small batches: many places to be hit in.
ENVIRONMENT = {
    "SYMBOLS": ",".join(SYMBOLS),
    "TRIGGER_SECONDS": "1",
    "MAX_ROWS_PER_BATCH": "1500",
}
READY_SECONDS = 360.0
END_SECONDS = 600.0


@dataclass
class Run:
    """One `firehose run` in its place."""

    process: subprocess.Popen[str]
    place: Place
    output: str = ""

    def rows(self, table: str) -> int:
        """Rows of a table, from its metadata; 0 before the first commit."""
        found = {layer.table: layer.rows for layer in monitor.layers(self.place.settings)}
        return found[table]

    def spark_pid(self) -> int | None:
        """The pid of the Spark application, once its streams run."""
        try:
            told = json.loads((self.place.data / "run" / "spark.json").read_text())
        except (OSError, ValueError):
            return None
        return int(told["pid"])

    def until_silver(self, rows: int) -> None:
        """Wait until Silver holds so many; fails where the run ends before."""
        deadline = time.monotonic() + READY_SECONDS
        while self.rows(tables.SILVER) < rows:
            assert self.process.poll() is None, f"ended too early:\n{self.end()}"
            assert time.monotonic() < deadline, f"no {rows} rows of Silver in {READY_SECONDS} s"
            time.sleep(0.1)

    def until_spark_is_up(self, other_than: int = 0) -> int:
        """Wait for the streams (of another process than the one named); their pid."""
        deadline = time.monotonic() + READY_SECONDS
        while (pid := self.spark_pid()) in (None, other_than):
            assert self.process.poll() is None, f"ended too early:\n{self.end()}"
            assert time.monotonic() < deadline, f"the streams were not up in {READY_SECONDS} s"
            time.sleep(0.1)
        assert pid is not None
        return pid

    def end(self, seconds: float = END_SECONDS) -> str:
        """What it printed, when it has ended by itself."""
        if not self.output:
            self.output, _ = self.process.communicate(timeout=seconds)
        return self.output

    def hit(self, number: signal.Signals) -> str:
        """Send the whole run a signal in its work; what it had printed by its end."""
        assert self.process.poll() is None, f"ended too early:\n{self.end()}"
        self.process.send_signal(number)
        return self.end()


@contextmanager
def running(place: Place, fed: Fed) -> Iterator[Run]:
    """Start a run; whatever the test does, nothing of it is left afterwards."""
    for told in place.data.glob("run/*.json"):
        told.unlink()  # of an earlier run
    process = place.start(*fed.words, env=ENVIRONMENT)
    run = Run(process, place)
    try:
        yield run
    finally:
        process.kill()
        process.communicate()
        assert place.nothing_left(60), [each.cmdline() for each in processes_of(place.data)]


def java_of(pid: int) -> psutil.Process:
    """The JVM below a Spark application."""
    [found] = [each for each in psutil.Process(pid).children(recursive=True) if _is_java(each)]
    return found


def broker_of(data: Path) -> psutil.Process:
    """The JVM of the embedded broker."""
    [found] = [each for each in processes_of(data) if _is_java(each) and _is_broker(each)]
    return found


def kafka_records(settings: Settings, *topics: str) -> list[int]:
    """The records that the folder's broker holds in each topic, by its own offsets."""
    with Stack(settings, print) as stack:
        consumer = Consumer({"bootstrap.servers": stack.start_kafka(), "group.id": "count"})
        try:
            return [_records(consumer, topic) for topic in topics]
        finally:
            consumer.close()


def _records(consumer: Consumer, topic: str) -> int:
    partitions = consumer.list_topics(topic, timeout=20).topics[topic].partitions
    asked = [TopicPartition(topic, number) for number in partitions]
    return sum(high - low for low, high in (offsets(consumer, each) for each in asked))


def _is_java(process: psutil.Process) -> bool:
    return process.name() == "java"


def _is_broker(process: psutil.Process) -> bool:
    return "kafka.Kafka" in process.cmdline()
