"""A real Kafka broker that is stopped, killed and started again on the same data and port."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from lakehouse.settings import load
from lakehouse.stack import jars, java
from lakehouse.stack.kafka import KafkaBroker
from lakehouse.stack.process import ManagedProcess


class Broker:
    """The embedded broker, hit from outside. `servers` stay the same through every restart."""

    def __init__(self, folder: Path) -> None:
        found = jars.ensure(load(data_dir=folder), print)
        log = folder / "logs" / "kafka.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        self._broker = KafkaBroker(
            folder / "kafka",
            java.find(),
            found.kafka,
            lambda name, argv, grace: ManagedProcess(name, argv, log, grace_seconds=grace),
        )
        self.servers = self._broker.start()

    def freeze(self) -> None:
        """SIGSTOP: it holds its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT; no harm where it was not stopped."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, connections break."""
        self._signal(signal.SIGKILL)
        assert self.process.wait(20)

    def start_again(self) -> None:
        """After `kill`: the same data, the same port; returns when it answers."""
        if not self.process.alive:
            assert self._broker.start() == self.servers

    def end(self) -> None:
        """End it for good."""
        if self.process.alive:
            self.thaw()
            self.process.kill()

    @property
    def process(self) -> ManagedProcess:
        """The one that runs, or ran last."""
        assert self._broker.process is not None
        return self._broker.process

    def _signal(self, number: signal.Signals) -> None:
        assert psutil.pid_exists(self.process.pid), "the broker is gone"
        os.kill(self.process.pid, number)


@contextmanager
def running_broker(folder: Path) -> Iterator[Broker]:
    """A broker that is ended at the end, whatever state it was left in."""
    broker = Broker(folder)
    try:
        yield broker
    finally:
        broker.end()
