"""Recorded data played back: byte for byte, and its candles exactly."""

import csv
import gzip
import time
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from producer.simulator.recording import merged
from tests.simulated import Client, receive, recorded, simulated

CASES = [
    ("binance_spot_2024-08", "spot_BTCUSDT_20240808-09"),
    ("binance_spot_2024-08", "spot_ETHUSDT_20240808-09"),
    ("binance_usdm_2023-04", "usdm_BTCUSDT_20230404-05"),
]
CANDLE = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trades",
    "taker_buy_base", "taker_buy_quote",
)  # fmt: skip


def lines_of(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines()


@pytest.mark.parametrize("ending", ["ws.jsonl.gz", "recv.gz"])
async def test_two_recordings_are_merged_and_played_byte_for_byte(
    shared_data: Path, ending: str
) -> None:
    folder = shared_data / "binance_spot_2024-08"
    paths = sorted(folder.glob(f"*.{ending}"))
    expected = [item.frame.payload for item in merged(paths)]
    assert len(expected) == 11_349 + 7_396
    async with simulated(recorded(*paths)) as client, client.connect() as ws:
        frames = await receive(ws, len(expected))
    assert frames == expected
    for path, symbol in zip(paths, ("btcusdt", "ethusdt"), strict=True):
        mine = [frame for frame in frames if frame.startswith(b'{"stream":"%b' % symbol.encode())]
        assert mine == [line[line.index(b"{") :] for line in lines_of(path)]


@pytest.mark.parametrize(("folder", "name"), CASES)
async def test_candles_equal_the_truth(shared_data: Path, folder: str, name: str) -> None:
    source = recorded(shared_data / folder / f"{name}.aggTrade.ws.jsonl.gz")
    symbol = name.split("_")[1]
    async with simulated(source) as client, client.connect([symbol]) as ws:
        await receive(ws, source.total or 0)
        rows = await client.get("/api/v3/klines", symbol=symbol, interval="1m", limit=1000)
    got = {row[0]: row for row in rows}
    with (shared_data / folder / f"{name}.klines_1m.truth.csv").open() as file:
        truth = [row for row in csv.DictReader(file) if row["complete"] == "1"]
    assert truth
    for row in truth:
        mine = got[int(row["open_time"])]
        assert [Decimal(str(value)) for value in mine[:11]] == [Decimal(row[key]) for key in CANDLE]


async def test_rest_answers_what_the_exchange_s_rest_answered(shared_data: Path) -> None:
    folder = shared_data / "binance_rest_2020-01"
    genuine = orjson.loads((folder / "rest_api_v3_aggTrades_fromId_202790190.json").read_bytes())
    source = recorded(folder / "BTCUSDT.aggTrade.ws.jsonl.gz")
    async with simulated(source) as client, client.connect(["BTCUSDT"]) as ws:
        await receive(ws, 1000)
        assert genuine == await client.get(
            "/api/v3/aggTrades", symbol="BTCUSDT", fromId=202_790_190, limit=1000
        )


async def truth_of(client: Client) -> dict[str, object]:
    truth: dict[str, object] = await client.get("/control/truth")
    return truth


def frame(agg_id: int, event_ms: int) -> bytes:
    return (
        b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":%d,"s":"BTCUSDT","a":%d,"p":"1.5"'
        b',"q":"2","f":1,"l":1,"T":%d,"m":true}}' % (event_ms, agg_id, event_ms)
    )


async def test_garbage_lines_come_as_they_are_text_or_binary(tmp_path: Path) -> None:
    lines = [b"first", frame(1, 10_000), b"\xff\x00\xfe", b"", b"{half", frame(2, 10_001), b"\t"]
    path = tmp_path / "dirty.jsonl"
    path.write_bytes(b"\n".join(lines))
    async with simulated(recorded(path)) as client, client.connect(["BTCUSDT"]) as ws:
        got = [await ws.recv() for _ in range(5)]
        assert got == ["first", lines[1].decode(), b"\xff\x00\xfe", "{half", lines[5].decode()]
        status = await client.get("/control/status")
        assert (status["frames_total"], status["frames_sent"], status["finished"]) == (5, 5, True)
        truth = await truth_of(client)
    assert truth["symbols"] == {"BTCUSDT": {"first_id": 1, "last_id": 2, "count": 2}}
    assert truth["garbage"] == 3


async def test_a_recording_that_begins_with_garbage_still_has_its_pace(tmp_path: Path) -> None:
    path = tmp_path / "dirty.jsonl"
    start = 1_723_161_254_000
    path.write_bytes(b"\n".join([b"junk", frame(1, start), frame(2, start + 300)]))
    async with simulated(recorded(path), speed=1) as client, client.connect(["BTCUSDT"]) as ws:
        began = time.monotonic()
        await receive(ws, 3)
        assert 0.25 < time.monotonic() - began < 2
