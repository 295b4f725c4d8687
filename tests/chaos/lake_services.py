"""The broker and the producer of a chaos run, as a supervisor sees them."""

from pathlib import Path

from lakehouse.settings import Settings
from lakehouse.stack.process import ManagedProcess
from tests.chaos.broker import Broker
from tests.chaos.producer_process import ProducerProcess


class BrokerLife:
    """The broker, which is started where it does not run, and answers when this is made."""

    def __init__(self, broker: Broker) -> None:
        broker.start_again()
        self._process: ManagedProcess = broker.process

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.alive

    @property
    def returncode(self) -> int | None:
        return self._process.returncode


class ProducerLife(ProducerProcess):
    """A producer; it is not waited for, as it may be waiting for its broker itself."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        super().__init__(folder, settings)

    @property
    def returncode(self) -> int | None:
        return self._process.poll()
