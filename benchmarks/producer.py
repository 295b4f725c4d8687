"""How fast the producer is: exchange's frames over loopback to acknowledged Kafka messages.

`python -m benchmarks.producer [--frames N] [--kafka HOST:PORT]`. In one run on one machine:
1. a plain loop of websockets and orjson, no Kafka (what the transport alone gives),
2. our producer as a process of its own, as fast as it can,
3. our producer at a fixed rate, for the latency an unsaturated lake sees.
The feeder is another process; its frames are encoded before the clock starts.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import orjson
import psutil
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from lakehouse.settings import Settings, load
from lakehouse.stack import Stack

SYMBOLS = ("BTCUSDT", "ETHUSDT")
CHUNK = 250
FRAME = (
    '{"stream":"%s@aggTrade","data":{"e":"aggTrade","E":%d,"s":"%s","a":%d,"p":"%d.%02d000000",'
    '"q":"0.%05d000","f":%d,"l":%d,"T":%d,"m":%s,"M":true}}'
)


class Result(NamedTuple):
    """One run: frames, seconds from first frame to last acknowledgement, and what it cost."""

    frames: int
    seconds: float
    cpu_seconds: float
    peak_mib: float
    p50_ms: float = 0.0
    p99_ms: float = 0.0

    @property
    def rate(self) -> float:
        return self.frames / self.seconds


def frame(number: int) -> bytes:
    """A combined-stream frame on the wire; ids are contiguous per symbol."""
    symbol, agg_id = SYMBOLS[number % 2], 3_100_000_000 + number // 2
    at, mixed = 1_723_161_255_343 + number // 50, number * 2_654_435_761 % 2**32
    text = FRAME % (
        symbol.lower(), at + 1, symbol, agg_id, 61_000 + mixed % 977, mixed % 100,
        mixed % 99_991, agg_id, agg_id, at, "true" if mixed & 1 else "false",
    )  # fmt: skip
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


def feed(frames: int, rate: float, pipe: Connection) -> None:
    """The feeder process: tells its port, later when the first frame left (epoch seconds)."""
    asyncio.run(_feed(frames, rate, pipe))


async def _feed(frames: int, rate: float, pipe: Connection) -> None:
    starts = range(0, frames, CHUNK)
    chunks = [b"".join(map(frame, range(at, min(at + CHUNK, frames)))) for at in starts]

    async def play(client: ServerConnection) -> None:
        pipe.send(time.time())
        began = time.monotonic()
        for number, chunk in enumerate(chunks):
            if rate:
                await asyncio.sleep(began + number * CHUNK / rate - time.monotonic())
            client.transport.write(chunk)
            await client.drain()
        await client.wait_closed()

    async with serve(play, "127.0.0.1", 0, compression=None) as server:
        pipe.send(next(iter(server.sockets)).getsockname()[1])
        await asyncio.get_running_loop().create_future()


@contextmanager
def feeder(frames: int, rate: float = 0.0) -> Iterator[tuple[str, Connection]]:
    """A feeder's URL and the pipe that tells when it began."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=feed, args=(frames, rate, theirs), daemon=True)
    process.start()
    try:
        yield f"ws://127.0.0.1:{ours.recv()}", ours
    finally:
        process.terminate()
        process.join()


async def _plain(url: str, frames: int) -> Result:
    received, began, cpu = 0, 0.0, 0.0
    async with connect(url, compression=None, ping_interval=None) as websocket:
        try:
            while received < frames:
                raw = await websocket.recv(decode=False)
                if not received:
                    began, cpu = time.perf_counter(), time.process_time()
                orjson.loads(raw)
                received += 1
        except ConnectionClosed:
            sys.exit("the feeder ended too early")
        seconds, used = time.perf_counter() - began, time.process_time() - cpu
    return Result(frames, seconds, used, psutil.Process().memory_info().rss / 2**20)


def scrape(port: int) -> dict[str, float]:
    """Every sample of the producer, its labels in the name."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return {
            sample.name.removeprefix("firehose_producer_")
            + sample.labels.get("le", ""): sample.value
            for family in families
            for sample in family.samples
        }


def quantile(figures: dict[str, float], part: float) -> float:
    """A quantile of receive-to-ack in ms, linear inside a bucket."""
    name = "receive_to_ack_seconds_bucket"
    wanted, below, low = part * figures["receive_to_ack_seconds_count"], 0.0, 0.0
    for key, count in figures.items():
        if key.startswith(name) and count >= wanted:
            high = float(key.removeprefix(name))
            return 1000 * (low + (high - low) * (wanted - below) / max(count - below, 1))
        if key.startswith(name):
            low, below = float(key.removeprefix(name)), count
    raise ValueError("no histogram")


def produce(kafka: str, frames: int, rate: float = 0.0) -> Result:
    """Our producer as a process, until every frame is acknowledged."""
    with feeder(frames, rate) as (url, pipe), tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.json"
        process = _launch(_settings(kafka, url), ready)
        try:
            return _watch(process, ready, frames, pipe)
        finally:
            process.terminate()
            process.wait()


def _settings(kafka: str, url: str) -> Settings:
    topic = f"bench.{uuid.uuid4().hex[:8]}"
    return load(
        kafka_bootstrap_servers=kafka, binance_ws_url=url, symbols=SYMBOLS,
        kafka_topic=topic, kafka_dlq_topic=f"{topic}.dlq", log_level="WARNING",
    )  # fmt: skip


def _launch(settings: Settings, ready: Path) -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-m", "producer", "--ready-file", str(ready)]
    return subprocess.Popen(argv, env={**os.environ, **settings.as_env()})


def _watch(
    process: "subprocess.Popen[bytes]", ready: Path, frames: int, pipe: Connection
) -> Result:
    while not ready.exists():
        if process.poll() is not None:
            sys.exit("the producer did not start")
        time.sleep(0.05)
    port, peak, watched = (
        json.loads(ready.read_bytes())["metrics_port"],
        0,
        psutil.Process(process.pid),
    )
    figures = scrape(port)
    while figures["delivered_total"] < frames:
        time.sleep(0.25)
        peak = max(peak, watched.memory_info().rss)
        figures = scrape(port)
    return Result(
        frames,
        figures["last_delivery_timestamp"] - pipe.recv(),
        figures["process_cpu_seconds_total"],
        peak / 2**20,
        quantile(figures, 0.5),
        quantile(figures, 0.99),
    )


def show(name: str, result: Result) -> None:
    """One line of figures."""
    cpu = result.cpu_seconds / result.frames * 1e6
    line = f"{name:<28}{result.rate:>10,.0f} msg/s{cpu:>8.2f} CPU s/M{result.peak_mib:>8.0f} MiB"
    if result.p99_ms:
        line += f"   receive to ack p50 {result.p50_ms:.1f} ms, p99 {result.p99_ms:.1f} ms"
    print(line, flush=True)


def compare(kafka: str, frames: int, rate: float) -> None:
    """All three runs and the ratio."""
    with feeder(frames) as (url, _):
        plain = asyncio.run(_plain(url, frames))
    show("websockets + orjson alone", plain)
    ours = produce(kafka, frames)
    show("producer, saturated", ours)
    show(f"producer at {rate:,.0f}/s", produce(kafka, int(rate * 10), rate))
    print(f"to Kafka, acknowledged: {ours.rate / plain.rate:.0%} of the transport alone")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=500_000)
    parser.add_argument("--rate", type=float, default=10_000)
    parser.add_argument("--kafka", help="a broker that runs; without it the embedded one")
    options = parser.parse_args()
    if options.kafka:
        return compare(options.kafka, options.frames, options.rate)
    with tempfile.TemporaryDirectory() as folder, Stack(load(data_dir=folder), print) as stack:
        compare(stack.start_kafka(), options.frames, options.rate)


if __name__ == "__main__":
    main()
