"""What a client was asked to do, and what it tells when it has done it. Standard library alone."""

import argparse
import json
import sys
import time
from array import array
from typing import NamedTuple


class Task(NamedTuple):
    """Read `frames` from `url` (ws://host:port); put them into `topic` where there is a broker."""

    url: str
    frames: int
    kafka: str
    topic: str

    @property
    def stream_url(self) -> str:
        """The combined stream of the benchmark's symbols."""
        return f"{self.url}/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade"


def task() -> Task:
    """The task on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--frames", type=int, required=True)
    parser.add_argument("--kafka", default="")
    parser.add_argument("--topic", default="")
    return Task(**vars(parser.parse_args()))


class Acknowledgements:
    """How long each took from its receipt, and how many were refused; times of time.time()."""

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._seconds = array("d")
        self.failed = 0

    def add(self, received: float, failed: bool = False) -> bool:
        """Count one; True if it was the last that is waited for."""
        if failed:
            self.failed += 1
        else:
            self._seconds.append(time.time() - received)
        return len(self._seconds) + self.failed >= self._frames

    def tell(self) -> None:
        """See `tell`."""
        last, ordered = time.time(), sorted(self._seconds)
        quantiles = [ordered[int(part * (len(ordered) - 1))] for part in (0.5, 0.99) if ordered]
        tell(last, len(ordered), self.failed, quantiles)


def tell(last: float, done: int, failed: int = 0, quantiles: list[float] | None = None) -> None:
    """One line of JSON to the parent, then stay until it has looked at our memory and CPU time.

    `last` is when the last frame was done with (epoch seconds), `quantiles` are p50 and p99 in
    seconds.
    """
    told = {"last": last, "done": done, "failed": failed, "quantiles": quantiles or []}
    print(json.dumps(told), flush=True)
    sys.stdin.read()
