"""Everything that was recorded parses to the digit, or is refused with a reason."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import orjson
import pyarrow as pa
import pytest

from lakehouse.errors import UnreadableError
from lakehouse.exchanges.binance import parse_rest_trade
from tests.unit.test_binance import NOW, assert_trade_or_reason, parse

RECORDINGS = {
    "binance_spot_2024-08/spot_BTCUSDT_20240808-09.aggTrade": 11_349,
    "binance_spot_2024-08/spot_ETHUSDT_20240808-09.aggTrade": 7_396,
    "binance_rest_2020-01/BTCUSDT.aggTrade": 1_000,
    "binance_usdm_2023-04/usdm_BTCUSDT_20230404-05.aggTrade": 5_253,
}


def lines_of(path: Path) -> list[bytes]:
    with gzip.open(path) as file:
        return file.read().splitlines()


@pytest.mark.parametrize(("name", "count"), RECORDINGS.items())
def test_every_recorded_frame_is_a_trade_and_ids_are_unbroken(
    shared_data: Path, name: str, count: int
) -> None:
    sent = [orjson.loads(line)["data"] for line in lines_of(shared_data / f"{name}.ws.jsonl.gz")]
    trades = [parse(line) for line in lines_of(shared_data / f"{name}.ws.jsonl.gz")]
    assert len(trades) == count
    assert [trade.agg_id for trade in trades] == list(range(sent[0]["a"], sent[0]["a"] + count))
    for trade, data in zip(trades, sent, strict=True):
        assert (trade.price, trade.qty, trade.trade_time) == (
            data["p"],
            data["q"],
            data["T"] * 1000,
        )


def test_rest_and_websocket_agree_on_every_recorded_trade(shared_data: Path) -> None:
    folder = shared_data / "binance_rest_2020-01"
    rows = orjson.loads((folder / "rest_api_v3_aggTrades_fromId_202790190.json").read_bytes())
    rest = [parse_rest_trade("BTCUSDT", row, NOW) for row in rows]
    live = [parse(line) for line in lines_of(folder / "BTCUSDT.aggTrade.ws.jsonl.gz")]
    assert len(rest) == 1000
    assert [trade._replace(source="ws", event_time=0) for trade in rest] == [
        trade._replace(event_time=0) for trade in live
    ]
    assert all(trade.event_time == trade.trade_time and trade.source == "rest" for trade in rest)


def other_frames(path: Path) -> Iterator[bytes]:
    with pa.CompressedInputStream(str(path), "zstd") as file:
        yield from file.read().splitlines()


def test_what_other_exchanges_send_is_refused_or_is_a_whole_trade(shared_data: Path) -> None:
    seen = 0
    for path in sorted((shared_data / "other_exchanges").glob("*.zst")):
        for line in other_frames(path):
            seen += 1
            assert_trade_or_reason(line)
    assert seen > 1000


def test_recorded_rest_answers_of_other_routes_are_refused(shared_data: Path) -> None:
    for path in (shared_data / "binance_rest").glob("*.json"):
        data = orjson.loads(path.read_bytes())["data"]
        for row in data if isinstance(data, list) else [data]:
            with pytest.raises(UnreadableError):
                parse_rest_trade("BTCUSDT", row, NOW)
