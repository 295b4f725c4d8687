"""Symbols added, removed and reloaded in a real producer between an exchange and a broker."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from lakehouse.messages import decode
from tests.commands import environment, firehose
from tests.integration.producer_exchange import until
from tests.integration.producer_kafka import fresh_settings, read_all
from tests.simulated import Client, market, simulated

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


class Ran:
    """A producer process in a folder of its own, whose SYMBOLS stand in its `.env`."""

    def __init__(self, folder: Path, kafka: str, exchange: Client) -> None:
        self.folder = folder
        self.ready = folder / "run" / "producer.json"
        self.log = folder / "producer.log"
        self.topic = fresh_settings(kafka).kafka_topic
        self._env = environment(
            {
                "KAFKA_BOOTSTRAP_SERVERS": kafka,
                "KAFKA_TOPIC": self.topic,
                "KAFKA_DLQ_TOPIC": f"{self.topic}.dlq",
                "KAFKA_GAP_TOPIC": f"{self.topic}.gaps",
                "KAFKA_POSITION_TOPIC": f"{self.topic}.positions",
                "BINANCE_WS_URL": exchange.ws_url,
                "BINANCE_REST_URL": exchange.rest_url,
            }
        )
        self.ready.parent.mkdir()

    def set_symbols(self, text: str) -> None:
        (self.folder / ".env").write_text(f"SYMBOLS={text}\n")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Process]:
        """Ends well, and all that it wrote is JSON."""
        self.ready.unlink(missing_ok=True)
        files = ("--ready-file", str(self.ready), "--symbols-file", str(self.folder / "s.json"))
        with self.log.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "producer", *files, env=self._env, cwd=self.folder, stderr=log
            )
        try:
            await until(lambda: self.ready.exists() or process.returncode is not None, 40)
            assert process.returncode is None, self.log.read_text()
            yield process
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 30) == 0, self.log.read_text()
            lines = [json.loads(line) for line in self.log.read_text().splitlines()]
            assert lines[-1]["event"] == "stopped" and lines[-1]["unaccounted"] == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def get(self, path: str) -> dict[str, Any]:
        port = json.loads(self.ready.read_bytes())["metrics_port"]
        url = f"http://127.0.0.1:{port}{path}"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def follows(self, *symbols: str) -> None:
        """Wait until trades of exactly these come in."""
        async with asyncio.timeout(30):
            while True:
                before = (await self.get("/status"))["last_ids"]
                await asyncio.sleep(0.3)
                after = (await self.get("/status"))["last_ids"]
                if {name for name in after if after[name] > before.get(name, 0)} == set(symbols):
                    return

    async def has_repaired(self) -> None:
        """Wait until what came while a symbol was not followed has been fetched."""
        async with asyncio.timeout(30):
            while (await self.get("/status"))["open_gaps"]["count"]:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.3)

    async def typed(self, *words: str) -> str:
        given = ("symbols", *words, "--data-dir", str(self.folder))
        done = await asyncio.to_thread(firehose, self.folder, *given, seconds=60)
        assert done.returncode == 0, done.stdout
        return done.stdout


async def test_symbols_change_while_it_runs_and_stay_changed(kafka: str, tmp_path: Path) -> None:
    async with simulated(market(None, symbols=SYMBOLS, rate=300.0), speed=1) as exchange:
        ran = Ran(tmp_path, kafka, exchange)
        ran.set_symbols("BTCUSDT")
        async with ran.running() as process:
            await ran.follows("BTCUSDT")
            assert "2 symbols followed" in await ran.typed("add", "ETHUSDT")
            await ran.follows("BTCUSDT", "ETHUSDT")
            await ran.typed("remove", "BTCUSDT")
            await ran.follows("ETHUSDT")
            ran.set_symbols("BTCUSDT,SOLUSDT")
            process.send_signal(signal.SIGHUP)
            await ran.follows("SOLUSDT", "ETHUSDT")
            assert (await ran.get("/health/ready"))["failed"] == []
        async with ran.running():
            await ran.follows("SOLUSDT", "ETHUSDT")
            await ran.typed("add", "BTCUSDT")
            await ran.follows(*SYMBOLS)
            await ran.has_repaired()
    await unbroken(kafka, ran.topic)


async def unbroken(kafka: str, topic: str) -> None:
    """Each symbol's ids in Kafka are in order and without a hole, over additions and restarts."""
    messages = await asyncio.to_thread(read_all, kafka, topic)
    ids: dict[str, list[int]] = {}
    for message in messages:
        trade = decode(message.value() or b"")
        ids.setdefault(trade.symbol, []).append(trade.agg_id)
    assert set(ids) == set(SYMBOLS)
    for symbol, found in ids.items():
        assert sorted(found) == list(range(min(found), min(found) + len(found))), symbol
