"""How quickly the read API answers beside a lake that goes on growing.

`python -m benchmarks.api [--symbols 300] [--rate 100] [--seconds 60] [--commit-seconds 2]
[--hourly-trades 0]`: makes a lake of so many symbols and 24 hours, with trades in Silver where that
is asked for, starts `firehose api` on it, lets one process commit to Gold (and Silver) and another
send requests at a fixed rate (benchmarks/api_load.py), and prints the latencies: the first ones
while the hours of Silver are still being read. Fails if a request failed or the p95 is above 50 ms.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.api_lake import GoldFeed

MOST_P95_MS: Final = 50.0
WARM_UP_SECONDS: Final = 5.0
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def run(symbols: int, rate: float, seconds: float, commit_seconds: float, trades: int) -> bool:
    """Measure and print; whether the goal was met. `trades`: of an hour in Silver."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "lake"
        feed = GoldFeed(folder, symbols)
        print(f"{feed.fill():,} minutes of {symbols} symbols", flush=True)
        if trades:
            print(f"{feed.silver.fill(trades):,} trades", flush=True)
        with _api(folder) as (process, url):
            print(f"loaded after {_wait_ready(url):.1f} s", flush=True)
            with _committing(feed, commit_seconds, trades):
                _load(url, rate, WARM_UP_SECONDS, feed.symbols)
                before = _cpu(process)
                found = _load(url, rate, seconds, feed.symbols)
                share = (_cpu(process) - before) / seconds
            memory = psutil.Process(process.pid).memory_info().rss / 2**20
    print(f"API: {share:.0%} of a core, {memory:.0f} MiB; sender late by {found['late']:.0f} ms")
    return _tell(found["answers"], rate)


@contextmanager
def _api(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    firehose = str(Path(sys.executable).with_name("firehose"))
    process = subprocess.Popen(
        [firehose, "api", "--data-dir", str(folder)],
        env={**os.environ, "API_PORT": "0"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.wait(30)


def _wait_ready(url: str) -> float:
    began = time.monotonic()
    while time.monotonic() < began + 300:
        try:
            with _open(f"{url}/health/ready", timeout=5):
                return time.monotonic() - began
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the API did not become ready")


@contextmanager
def _committing(feed: GoldFeed, every_seconds: float, trades: int) -> Iterator[None]:
    stop = threading.Event()
    each = round(trades * every_seconds / 3600 / len(feed.symbols))

    def go_on() -> None:
        while not stop.wait(every_seconds):
            feed.commit()
            if each:
                feed.silver.commit(each)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _load(url: str, rate: float, seconds: float, symbols: Sequence[str]) -> dict[str, Any]:
    words = [sys.executable, "-m", "benchmarks.api_load", url, str(rate), str(seconds), *symbols]
    found: dict[str, Any] = json.loads(
        subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout
    )
    return found


def _cpu(process: subprocess.Popen[str]) -> float:
    used = psutil.Process(process.pid).cpu_times()
    return used.user + used.system


def _tell(answers: Sequence[Sequence[Any]], rate: float) -> bool:
    drawn = Table("path", "answers", title=f"Read API at {rate:g} requests/s, ms")
    for name in ("p50", "p95", "p99", "worst", "KB", "errors"):
        drawn.add_column(name, justify="right")
    kinds = sorted({str(answer[0]) for answer in answers})
    for kind in (*kinds, ""):
        drawn.add_row(*_row(kind or "all", [one for one in answers if kind in ("", one[0])]))
    Console().print(drawn)
    times = sorted(float(answer[2]) for answer in answers)
    return not _errors(answers) and _part(times, 0.95) <= MOST_P95_MS


def _row(name: str, answers: Sequence[Sequence[Any]]) -> list[str]:
    times = sorted(float(answer[2]) for answer in answers)
    figures = [f"{_part(times, part):.1f}" for part in (0.5, 0.95, 0.99, 1.0)]
    size = sum(int(answer[3]) for answer in answers) / len(answers) / 1000
    return [name, f"{len(answers):,}", *figures, f"{size:.1f}", str(_errors(answers))]


def _errors(answers: Sequence[Sequence[Any]]) -> int:
    return sum(answer[1] != 200 for answer in answers)


def _part(times: Sequence[float], part: float) -> float:
    return times[min(len(times) - 1, int(part * len(times)))]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=300)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--commit-seconds", type=float, default=2.0)
    parser.add_argument("--hourly-trades", type=int, default=0)
    options = parser.parse_args()
    met = run(
        options.symbols,
        options.rate,
        options.seconds,
        options.commit_seconds,
        options.hourly_trades,
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
