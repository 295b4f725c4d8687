"""A small real lake that looks like a market: a day of five symbols, up to this minute."""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from lakehouse import tables
from tests.gold_lakes import NAMES, batch_row, fill, gap_row, gold_row
from tests.lakes import LakeWriter, Row, record, silver_row

MINUTES: Final = 1440
TRADES_AN_HOUR: Final = 40
_E8, _E12, _E16 = (Decimal(1).scaleb(-places) for places in (8, 12, 16))


@dataclass(frozen=True)
class Coin:
    """What is made up of a symbol: `step` is its price's smallest one, `spikes` minutes ago."""

    symbol: str
    price: str
    step: str
    volume: str
    spikes: tuple[int, ...]


COINS: Final = (
    Coin("BNBUSDT", "529.60", "0.01", "41", (400,)),
    Coin("BTCUSDT", "61837.60", "0.01", "2.6", (24, 610)),
    Coin("ETHUSDT", "2692.10", "0.01", "38", (22, 1100)),
    Coin("SOLUSDT", "146.20", "0.01", "830", (0, 275)),
    Coin("XRPUSDT", "0.5231", "0.0001", "91000", ()),
)
# (symbol, hours ago, first and last trade of the hour that is missing, status of its gap record)
HOLES: Final = (
    ("BTCUSDT", 2, 17, 19, "open"),
    ("ETHUSDT", 9, 30, 35, "unrepairable"),
    ("SOLUSDT", 5, 39, 41, ""),  # over the end of the hour
    ("BNBUSDT", 14, 11, 11, ""),
)
QUIET: Final = ("XRPUSDT", 16)  # an hour without a trade, and without a hole


class MarketLake:
    """`fill` makes the day, `tick` another commit of the newest minute."""

    def __init__(self, folder: Path, now: float | None = None) -> None:
        self.writer = LakeWriter(folder, NAMES)
        self.newest = int(now or time.time()) // 60

    def fill(self) -> None:
        """One commit for each table."""
        gold = [row for coin in COINS for row in self._minutes(coin)]
        fill(
            self.writer,
            {
                tables.BRONZE: [record(n, n) for n in range(40)],
                tables.QUARANTINE: [record(n, None) for n in range(3)],
                tables.SILVER: [row for coin in COINS for row in self._trades(coin.symbol)],
                tables.GOLD: gold,
                tables.AUDIT: self._batches(),
                tables.GAP: list(self._gaps()),
            },
        )

    def tick(self, symbol: str, price: str) -> None:
        """One more minute of a symbol, at that price."""
        self.newest += 1
        self.writer.append(tables.GOLD, [self._row(symbol, self.newest, price)])

    def hour(self, ago: int) -> datetime:
        """The hour that began so many hours before the newest one."""
        return datetime.fromtimestamp((self.newest // 60 - ago) * 3600, UTC)

    def first_id(self, ago: int) -> int:
        """The id of the first trade of that hour."""
        return (self.newest // 60 - ago - 400_000) * TRADES_AN_HOUR

    def _row(self, symbol: str, minute: int, price: str, **more: object) -> Row:
        at = datetime.fromtimestamp(minute * 60, UTC)
        row = gold_row(0, symbol, price, **more)
        return {**row, "minute_ts": at, "updated_at": at + timedelta(seconds=12)}

    def _minutes(self, coin: Coin) -> Iterator[Row]:
        chance, step = random.Random(coin.symbol), Decimal(coin.step)
        price, closes, volumes = Decimal(coin.price), list[Decimal](), list[Decimal]()
        for ago in range(MINUTES, -1, -1):
            spike = ago in coin.spikes
            moved = _moved(chance, price, spike).quantize(step)
            volume = _drawn(chance, Decimal(coin.volume) * (9 if spike else 1))
            change = (moved / price - 1).quantize(_E12)
            middle = ((price + 2 * moved) / 3).quantize(_E12)
            closes, volumes = [*closes[-29:], moved], [*volumes[-4:], volume]
            yield self._row(
                coin.symbol,
                self.newest - ago,
                str(moved),
                **_figures(chance, (price, moved, step), volume, middle),
                volume_5m=sum(volumes, Decimal(0)),
                price_ma_30m=(sum(closes, Decimal(0)) / len(closes)).quantize(_E12),
                return_1m=change,
                spike=spike,
                spike_reasons=_reasons(change) if spike else [],
                is_final=ago > 10,
            )
            price = moved

    def _trades(self, symbol: str) -> Iterator[Row]:
        for ago in range(23, -1, -1):
            if (symbol, ago) == QUIET:
                continue
            # The quiet hour has no ids of its own: the one before it takes them.
            ids = range(TRADES_AN_HOUR * (2 if (symbol, ago - 1) == QUIET else 1))
            gone = {n for _, _, n in self._missing(symbol, ago)}
            for n in (n for n in ids if n not in gone):
                yield self._trade(symbol, ago, n)

    def _trade(self, symbol: str, ago: int, n: int) -> Row:
        hour = self.hour(ago)
        at = hour + timedelta(seconds=n)
        return {**silver_row(self.first_id(ago) + n, symbol), "event_ts": at, "dt_hour": hour}

    def _missing(self, symbol: str, ago: int) -> Iterator[tuple[str, int, int]]:
        for name, hour, first, last, _ in HOLES:
            for n in range(first, last + 1):
                if name == symbol and hour - n // TRADES_AN_HOUR == ago:
                    yield name, hour, n % TRADES_AN_HOUR

    def _gaps(self) -> Iterator[Row]:
        for symbol, ago, first, last, status in HOLES:
            if status:
                at = self.hour(ago) + timedelta(seconds=first)
                row = gap_row(self.first_id(ago) + first, last - first + 1, status, symbol)
                yield {**row, "detected_at": at, "updated_at": at}
        for n in range(12):
            row = gap_row(self.first_id(20) + n, 1, "repaired", "BTCUSDT")
            yield {**row, "detected_at": self.hour(20)}

    def _batches(self) -> Sequence[Row]:
        at = datetime.now(UTC)
        jobs = {tables.BRONZE: (1034, 0, 0), tables.SILVER: (1034, 9, 3), tables.GOLD: (1022, 0, 0)}
        return [
            {
                **batch_row(1, job, rows_in=rows, rows_out=rows - twice - fail),
                **{"rows_duplicate": twice, "dq_fail": fail, "max_lag_ms": 3200 + 1100 * number},
                **{"started_at": at, "finished_at": at},
            }
            for number, (job, (rows, twice, fail)) in enumerate(jobs.items())
        ]


def _moved(chance: random.Random, price: Decimal, spike: bool) -> Decimal:
    millionths = round(chance.gauss(0, 420))
    if spike:
        millionths = chance.choice([-1, 1]) * chance.randrange(9_000, 16_000)
    return price * (1_000_000 + millionths) / 1_000_000


def _drawn(chance: random.Random, usual: Decimal) -> Decimal:
    return (usual * round(1000 * chance.lognormvariate(0, 0.55)) / 1000).quantize(_E8)


def _figures(
    chance: random.Random,
    prices: tuple[Decimal, Decimal, Decimal],
    volume: Decimal,
    vwap: Decimal,
) -> dict[str, Decimal]:
    begin, end, step = prices
    wick = [(end * chance.randrange(20, 380) / 1_000_000).quantize(step) for _ in range(2)]
    return {
        "open": begin,
        "high": max(begin, end) + wick[0],
        "low": min(begin, end) - wick[1],
        "volume": volume,
        "quote_volume": (vwap * volume).quantize(_E16),
        "taker_buy_volume": (volume * chance.randrange(30, 70) / 100).quantize(_E8),
        "vwap_1m": vwap,
    }


def _reasons(change: Decimal) -> list[str]:
    return ["return_up" if change > 0 else "return_down", "volume_high"]
