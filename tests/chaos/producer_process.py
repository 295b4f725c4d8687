"""`python -m producer` as a process that is killed, stopped and started at any moment."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from lakehouse.settings import Settings
from tests.commands import environment, wait_for

PREFIX = "firehose_producer_"
READY_SECONDS = 60.0


class ProducerProcess:
    """One life of a producer; its log goes to the end of `folder/producer.log`."""

    def __init__(
        self, folder: Path, settings: Settings, extra: Mapping[str, str] | None = None
    ) -> None:
        """`extra` goes over the environment, LD_PRELOAD for example."""
        self.log = folder / "producer.log"
        self._ready = folder / "producer.json"
        self._ready.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "producer", "--ready-file", str(self._ready)],
                env=environment({**settings.as_env(), **(extra or {})}),
                stdout=log,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def ready(self) -> bool:
        """Whether it has said that it is."""
        return self._ready.exists()

    def until_ready(self) -> None:
        """Wait for the ready file; fails at once where the process has ended."""
        wait_for(lambda: self.ready or not self.alive, READY_SECONDS, "the producer")
        assert self.alive, f"the producer ended with code {self._process.poll()}:\n{self.tail()}"

    def until_delivered(self, trades: int = 1, seconds: float = 30.0) -> None:
        """Wait until Kafka has acknowledged so many trades of this life."""
        self.until_ready()

        def delivered() -> bool:
            return not self.alive or self.figure("delivered_total") >= trades

        wait_for(delivered, seconds, f"{trades} trades")
        assert self.alive, f"the producer ended with code {self._process.poll()}:\n{self.tail()}"

    def figures(self) -> dict[str, float]:
        """Its metrics without labels, by name; empty where it does not answer."""
        try:
            port = json.loads(self._ready.read_bytes())["metrics_port"]
            with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                families = text_string_to_metric_families(answer.read().decode())
                samples = [sample for family in families for sample in family.samples]
        except (URLError, OSError):
            return {}
        return {s.name.removeprefix(PREFIX): s.value for s in samples if not s.labels}

    def figure(self, name: str) -> float:
        """One metric; 0 where it does not answer or has none of this name."""
        return self.figures().get(name, 0.0)

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it is alive."""
        if self.alive:
            os.kill(self.pid, number)

    def freeze(self) -> None:
        """SIGSTOP."""
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT; no harm where it was not stopped."""
        self.send(signal.SIGCONT)

    def kill(self) -> None:
        """kill -9; returns when it is gone."""
        self.send(signal.SIGKILL)
        self._process.wait()

    def wait(self) -> int:
        """The exit code of a process that has ended, or ends by itself."""
        return self._process.wait()

    def terminate(self, seconds: float = 40.0) -> int:
        """SIGTERM; the exit code when it has ended."""
        self.send(signal.SIGTERM)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"no end {seconds} s after SIGTERM:\n{self.tail()}") from None

    def tail(self, lines: int = 30) -> str:
        """The end of the log, for whoever reads a failure."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
