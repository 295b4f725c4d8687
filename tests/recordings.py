"""The recorded trades of 2024-08, what is known to be true of them, and a messy version."""

import csv
import gzip
import json
import random
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

TRADES = {"BTCUSDT": 11_349, "ETHUSDT": 7_396}
COLUMNS = {
    "open": "open", "high": "high", "low": "low", "close": "close", "volume": "volume",
    "quote_volume": "quote_volume", "exchange_trades": "trades", "trades": "agg_trades",
    "taker_buy_volume": "taker_buy_base",
}  # fmt: skip
_GARBAGE = (
    "not json at all",
    '{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","s":"BTCUSDT"}}',
    '{"stream":"btcusdt@aggTrade","data":{"e":"aggTr',
    "[1,2,3]",
    '{"stream":"x","data":null}',
    "\x00\x01",
)


def frames(shared_data: Path) -> list[Path]:
    """The recorded frame files, one a symbol."""
    return sorted((shared_data / "binance_spot_2024-08").glob("*.aggTrade.ws.jsonl.gz"))


def candles(shared_data: Path) -> dict[tuple[str, int], dict[str, Decimal]]:
    """Complete minutes by (symbol, open time in ms): the true value of each Gold column."""
    found = {}
    for symbol in TRADES:
        name = f"spot_{symbol}_20240808-09.klines_1m.truth.csv"
        with (shared_data / "binance_spot_2024-08" / name).open() as lines:
            for row in csv.DictReader(lines):
                if row["complete"] == "1":
                    values = {gold: Decimal(row[name]) for gold, name in COLUMNS.items()}
                    found[symbol, int(row["open_time"])] = values
    return found


def messy(paths: Sequence[Path], into: Path, seed: int) -> list[str]:
    """Every frame twice, shuffled within 5 s, 2 % garbage between; returns the garbage."""
    rng = random.Random(seed)
    timed: list[tuple[float, str]] = []
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                event_ms = json.loads(line)["data"]["E"]
                timed += [(event_ms + rng.uniform(0, 5000), line.rstrip("\n")) for _ in range(2)]
    timed.sort()
    garbage: list[str] = []
    with gzip.open(into, "wt", encoding="utf-8") as out:
        for _, line in timed:
            out.write(line + "\n")
            if rng.random() < 0.02:
                garbage.append(rng.choice(_GARBAGE))
                out.write(garbage[-1] + "\n")
    return garbage


def differing(
    rows: Sequence[dict[str, Any]], truth: dict[tuple[str, int], dict[str, Decimal]]
) -> list[str]:
    """What differs between Gold's rows (as JSON, with `ms`) and the candles."""
    gold = {(row["symbol"], int(row["ms"])): row for row in rows}
    return [
        f"{key} {name}: {gold[key][name]} is not {value}"
        for key, values in truth.items()
        for name, value in values.items()
        if Decimal(gold[key][name]) != value
    ]
