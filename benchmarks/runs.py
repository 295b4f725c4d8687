"""One run: a client as a process of its own, from its connection to its last frame.

All are measured from outside and alike: CPU seconds and peak memory are the kernel's figures of the
process, the clock starts with the first frame that leaves the feeder. Start-up is not counted.
"""

import json
import select
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil

from benchmarks import ours, peers
from benchmarks.feeder import Feeder
from benchmarks.figures import Result
from benchmarks.proof import create_topics, delete_topics, read_back
from lakehouse.errors import StackError

ROOT: Final = Path(__file__).resolve().parent.parent
_CONNECT_SECONDS: Final = 60.0
_SETTLE_SECONDS: Final = 1.0


class Client(NamedTuple):
    """How a client is started: its module below clients/, whether it needs the peers' venv.

    `slow`: it takes far fewer messages a second, so it is given fewer. `per_symbol`: it writes a
    topic for each symbol. Without a module it is ours.
    """

    title: str
    module: str = ""
    kafka: bool = True
    peer: bool = False
    slow: bool = False
    per_symbol: bool = False

    def topics(self, topic: str) -> list[str]:
        """The topics it fills when told `topic`."""
        symbols = ("BTC-USDT", "ETH-USDT") if self.per_symbol else ()
        return [f"{topic}-BINANCE-{symbol}" for symbol in symbols] or [topic]


CLIENTS: Final = {
    "websockets": Client("websockets + orjson, no Kafka", "websockets_orjson", kafka=False),
    "picows": Client("picows + orjson, no Kafka", "picows_orjson", kafka=False),
    "cryptofeed": Client(
        "cryptofeed, callback that does nothing", "cryptofeed_kafka", kafka=False, peer=True
    ),
    "ours": Client("firehose producer → Kafka"),
    "confluent": Client("websockets + orjson + confluent-kafka", "confluent"),
    "aiokafka": Client("websockets + orjson + aiokafka", "aio", peer=True),
    "cryptofeed-kafka": Client(
        "cryptofeed → its Kafka backend", "cryptofeed_kafka", peer=True, slow=True, per_symbol=True
    ),
}


class Bench(NamedTuple):
    """What all runs share."""

    feeder: Feeder
    kafka: str
    folder: Path


def run(bench: Bench, name: str, frames: int, rate: float = 0.0) -> Result:
    """Let a client take `frames`, `rate` a second (0: all it can); what it wrote is read back."""
    client, topic = CLIENTS[name], f"bench.{uuid.uuid4().hex[:8]}"
    bench.feeder.forget()
    if not client.module:
        result = _run_ours(bench, topic, frames, rate)
    else:
        if client.kafka:
            create_topics(bench.kafka, client.topics(topic))
        result = _run_client(bench, client, topic, frames, rate)
    result = result._replace(client=name)
    return _proved(bench, client, topic, result) if client.kafka else result


def _proved(bench: Bench, client: Client, topic: str, result: Result) -> Result:
    proof = read_back(bench.kafka, client.topics(topic))
    delete_topics(bench.kafka, topic)
    return result._replace(
        in_kafka=proof.distinct, repeated=proof.repeated, out_of_order=proof.out_of_order
    )


def _run_ours(bench: Bench, topic: str, frames: int, rate: float) -> Result:
    chosen = ours.settings(bench.kafka, bench.feeder.port, topic)
    with ours.Producer(chosen, bench.folder) as producer:
        process = psutil.Process(producer.process.pid)
        began, cpu = _start(bench.feeder, process, frames, rate)
        deadline = time.monotonic() + _patience(frames, rate)
        while (figures := producer.figures())["delivered_total"] < frames:
            if time.monotonic() > deadline or producer.process.poll() is not None:
                done = f"{figures['delivered_total']:.0f} of {frames}"
                raise StackError(f"Our producer has delivered only {done}.")
            time.sleep(0.5)
        return Result(
            "ours", frames, figures["last_delivery_timestamp"] - began, _cpu(process) - cpu,
            _peak_mib(process.pid), ours.latency(figures, 0.5), ours.latency(figures, 0.99),
        )  # fmt: skip


def _run_client(bench: Bench, client: Client, topic: str, frames: int, rate: float) -> Result:
    with _launched(bench, client, topic, frames) as launched:
        process = psutil.Process(launched.pid)
        began, cpu = _start(bench.feeder, process, frames, rate)
        told = _told(launched, client, frames, _patience(frames, rate))
        p50, p99 = (1000 * seconds for seconds in told["quantiles"] or (0.0, 0.0))
        return Result(
            client.module, frames, told["last"] - began, _cpu(process) - cpu,
            _peak_mib(process.pid), p50 or None, p99 or None,
        )  # fmt: skip


@contextmanager
def _launched(
    bench: Bench, client: Client, topic: str, frames: int
) -> Iterator["subprocess.Popen[str]"]:
    python = str(peers.python()) if client.peer else sys.executable
    words = ["--url", f"ws://127.0.0.1:{bench.feeder.port}", "--frames", str(frames)]
    words += ["--kafka", bench.kafka, "--topic", topic] if client.kafka else []
    process = subprocess.Popen(
        [python, "-W", "ignore", "-m", f"benchmarks.clients.{client.module}", *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _start(
    feeder: Feeder, process: psutil.Process, frames: int, rate: float
) -> tuple[float, float]:
    """When the first frame left and the CPU seconds used up to then."""
    _await_connection(feeder, process)
    time.sleep(_SETTLE_SECONDS)
    cpu = _cpu(process)
    return feeder.play(frames, rate), cpu


def _await_connection(feeder: Feeder, process: psutil.Process) -> None:
    deadline = time.monotonic() + _CONNECT_SECONDS
    while True:
        try:
            feeder.wait("connected", 1.0)
            return
        except TimeoutError:
            ended = process.status() == psutil.STATUS_ZOMBIE
            if ended or time.monotonic() > deadline:
                raise StackError("A client did not connect.", "Its last lines are above.") from None


def _told(
    process: "subprocess.Popen[str]", client: Client, frames: int, seconds: float
) -> dict[str, Any]:
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], seconds)
    line = process.stdout.readline() if readable else ""
    told: dict[str, Any] = json.loads(line) if line else {"done": 0, "failed": 0}
    if told["done"] < frames:
        why = f"{told['failed']} failed" if line else "it said nothing"
        raise StackError(f"{client.title}: {told['done']} of {frames} frames are done ({why}).")
    return told


def _patience(frames: int, rate: float) -> float:
    return 60 + frames / 400 + (frames / rate if rate else 0)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024
