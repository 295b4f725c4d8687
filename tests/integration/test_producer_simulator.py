"""The producer on the simulated exchange, with faults: what it made is what Kafka has."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from lakehouse.errors import UnreadableError
from lakehouse.exchanges.binance import event_of, parse_frame, parse_trade
from lakehouse.messages import decode
from tests.integration.producer_exchange import until
from tests.integration.producer_kafka import fresh_settings, read_all
from tests.integration.test_producer_process import Running, ended, launch

TRADES = 20_000
MARKET = ("--symbols", "BTCUSDT,ETHUSDT", "--trades", str(TRADES), "--speed", "0", "--seed", "7")
FAULTS = ("garbage:0.02", "duplicate:0.05", "drop:BTCUSDT:1001000-1001049")


def asked(url: str) -> dict[str, Any]:
    with urlopen(url, timeout=5) as answer:
        told: dict[str, Any] = json.loads(answer.read())
        return told


def is_trade(raw: bytes) -> bool:
    try:
        parse_trade(event_of(parse_frame(raw)), 0)
    except UnreadableError:
        return False
    return True


async def test_a_faulty_exchange_is_in_kafka_frame_by_frame(kafka: str, tmp_path: Path) -> None:
    ready, listening = tmp_path / "producer.json", tmp_path / "exchange.json"
    faults = [part for fault in FAULTS for part in ("--fault", fault)]
    argv = ("-m", "producer.simulator", *MARKET, *faults, "--ready-file", str(listening))
    exchange = await asyncio.create_subprocess_exec(sys.executable, *argv, env=dict(os.environ))
    try:
        await until(listening.exists, 20)
        port = json.loads(listening.read_bytes())["port"]
        at = f"127.0.0.1:{port}"
        settings = fresh_settings(
            kafka, binance_ws_url=f"ws://{at}", binance_rest_url=f"http://{at}"
        )
        process = await launch(settings, "--ready-file", str(ready))
        await until(ready.exists, 20)
        running = Running(process, json.loads(ready.read_bytes())["metrics_port"])
        status = f"http://127.0.0.1:{port}/control/status"
        await until(lambda: bool(asked(status)["finished"]), 30)
        frames = asked(status)["frames_sent"]
        await until(lambda: running.all_delivered(frames), 20)
        await until(lambda: running.figures()["gaps_repaired_total"] > 0, 20)
        figures = running.figures()
        process.send_signal(signal.SIGTERM)
        code, _, _ = await ended(process)
    finally:
        exchange.terminate()
        await exchange.wait()
    assert code == 0
    letters = [message.value() or b"" for message in read_all(kafka, settings.kafka_dlq_topic)]
    assert letters and not any(is_trade(raw) for raw in letters)
    trades = [decode(message.value() or b"") for message in read_all(kafka, settings.kafka_topic)]
    seen = Counter((trade.symbol, trade.agg_id) for trade in trades)
    missing = {("BTCUSDT", number) for number in range(1_001_000, 1_001_050)}
    assert len(seen) == len(trades) == TRADES  # each once, the dropped ones too
    assert {key for trade in trades if trade.source == "rest" for key in [trade[1:3]]} == missing
    assert (figures["gaps_total"], figures["gap_ids_total"]) == (1, 50)
    assert figures["missing_ids"] == figures["open_gaps"] == 0
    assert figures["duplicates_total"] > 0
