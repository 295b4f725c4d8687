"""`python -m producer` as a user and the CLI meet it: signals, exit codes, sentences, figures."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import orjson
from prometheus_client.parser import text_string_to_metric_families

from lakehouse.messages import decode
from lakehouse.settings import Settings
from tests.integration.producer_exchange import ABORT, PAUSE, STAY, Exchange, Script, frame, until
from tests.integration.producer_kafka import fresh_settings, read_all

PREFIX = "firehose_producer_"


class Running(NamedTuple):
    """A producer process and where its figures are."""

    process: Process
    port: int

    def figures(self) -> dict[str, float]:
        """Metrics without labels, by name."""
        with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            return {
                sample.name.removeprefix(PREFIX): sample.value
                for family in families
                for sample in family.samples
                if not sample.labels
            }

    def all_delivered(self, frames: int) -> bool:
        """What the CLI asks: all that came is acknowledged, came before, or was no message."""
        now = self.figures()
        ends = ("delivered", "dlq_delivered", "control_frames", "duplicates")
        done = sum(now[f"{name}_total"] for name in ends)
        came = now["frames_received_total"]
        return came == frames and came + now["rest_trades_total"] == done and not now["in_flight"]


async def launch(settings: Settings, *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "producer", *arguments),
        env={**os.environ, **settings.as_env()},
        stderr=PIPE,
        stdout=PIPE,
    )


async def ended(process: Process, seconds: float = 20) -> tuple[int, list[str], list[str]]:
    """Exit code, lines on stdout, lines on stderr."""
    out, err = await asyncio.wait_for(process.communicate(), seconds)
    return process.returncode or 0, out.decode().splitlines(), err.decode().splitlines()


@asynccontextmanager
async def producing(
    kafka: str, scripts: Sequence[Script], folder: Path
) -> AsyncIterator[tuple[Running, Settings]]:
    """A producer between an exchange and the broker; killed at the end if it still runs."""
    async with Exchange(scripts).running() as exchange:
        settings = fresh_settings(kafka, binance_ws_url=exchange.url)
        ready = folder / "ready.json"
        process = await launch(settings, "--ready-file", str(ready))
        try:
            await until(ready.exists, 20)
            told = json.loads(ready.read_bytes())
            assert told["pid"] == process.pid
            yield Running(process, told["metrics_port"]), settings
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def test_all_frames_reach_kafka_and_the_figures_say_so(kafka: str, tmp_path: Path) -> None:
    garbage = b"\xff garbage"
    one: Script = [frame(number, "BTCUSDT") for number in range(2000)]
    two: Script = [frame(number, "ETHUSDT") for number in range(1000, 3000)]
    answer = orjson.dumps({"result": None, "id": 1})
    scripts: list[Script] = [[*one, garbage, ABORT], [*two, answer, STAY]]
    async with producing(kafka, scripts, tmp_path) as (running, settings):
        await until(lambda: running.figures()["delivered_total"] == 4000, 20)
        await until(lambda: running.all_delivered(4002))
        assert running.figures()["reconnects_total"] == 1
        running.process.send_signal(signal.SIGTERM)
        code, _, _ = await ended(running.process)
    assert code == 0
    messages = read_all(kafka, settings.kafka_topic)
    for symbol, first in ((b"BTCUSDT", 0), (b"ETHUSDT", 1000)):
        values = [message.value() for message in messages if message.key() == symbol]
        assert [decode(value or b"").agg_id for value in values] == list(range(first, first + 2000))
    assert [message.value() for message in read_all(kafka, settings.kafka_dlq_topic)] == [garbage]


async def test_sigterm_flushes_what_was_received(kafka: str, tmp_path: Path) -> None:
    count = 100_000  # of which the first few reach the producer before it is stopped
    frames: list[bytes | str] = [frame(number) for number in range(count)]
    for place in range(count, 0, -200):
        frames.insert(place, PAUSE)
    async with producing(kafka, [[*frames, STAY]], tmp_path) as (running, settings):
        await until(lambda: running.figures()["frames_received_total"] > 100, 20)
        running.process.send_signal(signal.SIGTERM)
        code, out, err = await ended(running.process)
    last = json.loads(err[-1])
    assert (code, out) == (0, [])
    assert last["event"] == "stopped" and last["unaccounted"] == 0 and last["run_id"]
    ids = [
        decode(message.value() or b"").agg_id for message in read_all(kafka, settings.kafka_topic)
    ]
    assert ids == list(range(last["delivered"])) and 100 < len(ids) < count


async def test_a_taken_metrics_port_is_one_sentence(kafka: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = await launch(fresh_settings(kafka, producer_metrics_port=port))
        code, _, err = await ended(process)
    assert code == 4
    assert len(err) == 1 and f"port {port}" in err[0] and "PRODUCER_METRICS_PORT" in err[0]


async def test_a_broker_that_is_away_is_one_sentence_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    process = await launch(fresh_settings(f"127.0.0.1:{port}"))
    code, _, err = await ended(process, 40)
    assert code == 5
    assert err[-1].startswith(f"error: Kafka at 127.0.0.1:{port} does not answer")
    assert "KAFKA_BOOTSTRAP_SERVERS" in err[-1] and "Traceback" not in "".join(err)


async def test_a_setting_that_cannot_be_used_is_one_sentence() -> None:
    settings = fresh_settings("")
    code, _, err = await ended(await launch(settings))
    assert (code, len(err)) == (2, 1) and "KAFKA_BOOTSTRAP_SERVERS is empty" in err[0]


async def test_a_ready_file_that_cannot_be_written_is_one_sentence(
    kafka: str, tmp_path: Path
) -> None:
    process = await launch(fresh_settings(kafka), "--ready-file", str(tmp_path / "no" / "ready"))
    code, _, err = await ended(process)
    assert code == 4 and "--ready-file" in err[-1] and "Traceback" not in "".join(err)
