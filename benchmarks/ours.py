"""Our producer as a process, and its figures over HTTP, as an operator sees them."""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.figures import quantile
from benchmarks.frames import SYMBOLS
from lakehouse.errors import StackError
from lakehouse.settings import Settings, load

PREFIX: Final = "firehose_producer_"
_BUCKET: Final = "receive_to_ack_seconds_bucket"
_START_SECONDS: Final = 60.0

Figures = dict[str, float]


def settings(kafka: str, port: int, topic: str, **more: object) -> Settings:
    """Settings that lead the producer to the feeder on `port` and to topics of this run alone."""
    return load(
        kafka_bootstrap_servers=kafka, symbols=SYMBOLS, log_level="WARNING",
        binance_ws_url=f"ws://127.0.0.1:{port}", binance_rest_url=f"http://127.0.0.1:{port}",
        kafka_topic=topic, kafka_dlq_topic=f"{topic}.dlq", kafka_gap_topic=f"{topic}.gaps",
        kafka_position_topic=f"{topic}.positions", producer_metrics_port=0, **more,
    )  # fmt: skip


class Producer:
    """`python -m producer` from its start to its end; use it as a context manager."""

    def __init__(self, chosen: Settings, folder: Path) -> None:
        """Starts it and waits until Kafka is there; StackError if it ends instead."""
        ready = folder / f"{chosen.kafka_topic}.json"
        argv = [sys.executable, "-m", "producer", "--ready-file", str(ready)]
        self.process = subprocess.Popen(argv, env={**os.environ, **chosen.as_env()})
        try:
            self._port = self._await(ready)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Producer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """SIGTERM, and wait."""
        self.process.terminate()
        self.process.wait()

    def figures(self) -> Figures:
        """Every sample by its name without prefix; the bound of a bucket is in its name.

        Samples that differ by a label alone are added up.
        """
        with urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        found: Figures = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                name = sample.name.removeprefix(PREFIX) + sample.labels.get("le", "")
                found[name] = found.get(name, 0.0) + sample.value
        return found

    def _await(self, ready: Path) -> int:
        deadline = time.monotonic() + _START_SECONDS
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise StackError("The producer did not start.", "Its last lines are above.")
            time.sleep(0.05)
        return int(json.loads(ready.read_bytes())["metrics_port"])


def latency(
    figures: Mapping[str, float], part: float, before: Mapping[str, float] | None = None
) -> float:
    """A quantile of receive-to-ack in ms, of what came after the figures `before`."""
    earlier = before or {}
    buckets = sorted(
        (math.inf if (bound := name.removeprefix(_BUCKET)) == "+Inf" else float(bound),
         count - earlier.get(name, 0.0))
        for name, count in figures.items() if name.startswith(_BUCKET)
    )  # fmt: skip
    return 1000 * quantile(buckets, part)
