"""A seeded market that `firehose run` is fed with, known here trade by trade."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from lakehouse.trade import Trade
from producer.simulator.market import Market, MarketSpec
from tests import reference
from tests.places import Place

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
START = datetime(2024, 8, 8, 23, 30, tzinfo=UTC)  # the fed hour crosses midnight
WATERMARK_MINUTES = 10

_SILVER = """
SELECT symbol, agg_id, price, qty, first_trade_id, last_trade_id, epoch_ms(event_ts) AS ms,
       is_buyer_maker
FROM lake.market.crypto_silver_trades ORDER BY symbol, agg_id
"""
_GOLD = "SELECT *, epoch_ms(minute_ts) // 60000 AS minute FROM lake.market.crypto_gold_minute"


@dataclass(frozen=True)
class Fed:
    """`trades` of an hour's pace, in `seconds` of wall time, with faults that lose nothing."""

    seed: int
    trades: int = 6_000
    seconds: float = 20.0

    @property
    def words(self) -> list[str]:
        """The arguments of `firehose run`, without the data folder."""
        hour_rate = self.trades / 3600
        words = ["run", "--simulate", "--trades", str(self.trades), "--seed", str(self.seed)]
        words += ["--rate", str(hour_rate), "--speed", str(3600 / self.seconds)]
        words += ["--start", START.isoformat(), "--until-idle"]
        faults = ("duplicate:0.03", "reorder:20:0.1", "garbage:0.005")
        return words + [word for fault in faults for word in ("--fault", fault)]

    def trades_of_silver(self) -> dict[tuple[str, int], Trade]:
        """What Silver must hold: every trade that the market made, once."""
        spec = MarketSpec(SYMBOLS, self.seed, self.trades / 3600, trades=self.trades)
        market = Market(spec._replace(start_ns=int(START.timestamp()) * 10**9))
        numbered = (divmod(number, len(SYMBOLS)) for number in range(self.trades))
        made = [_trade(market, row, spec.first_id + place) for place, row in numbered]
        return {(trade.symbol, trade.agg_id): trade for trade in made}


def silver(place: Place) -> list[Trade]:
    """Silver as `firehose sql` tells it, every row."""
    return [_stored(row) for row in place.query(_SILVER)]


def gold(place: Place) -> dict[tuple[str, int], dict[str, Any]]:
    """Gold as `firehose sql` tells it, by symbol and minute."""
    return {(row["symbol"], row["minute"]): row for row in place.query(_GOLD)}


def wrong_in_gold(
    found: dict[tuple[str, int], dict[str, Any]],
    trades: list[Trade],
    watermark_minutes: int = WATERMARK_MINUTES,
) -> list[str]:
    """Where Gold differs from a plain recomputation of it."""
    wanted = reference.gold(trades, watermark_minutes)
    wrong = [f"{key}: missing or too many" for key in wanted.keys() ^ found.keys()]
    for key in wanted.keys() & found.keys():
        for name, value in vars(wanted[key]).items():
            if (stored := _as(value, found[key][name])) != value:
                wrong.append(f"{key} {name}: {stored} is not {value}")
    return wrong


def _as(wanted: object, stored: Any) -> object:
    if isinstance(wanted, Decimal):
        return Decimal(stored)
    return tuple(stored) if isinstance(wanted, tuple) else stored


def _trade(market: Market, row: int, agg_id: int) -> Trade:
    tick = market.tick(row, agg_id)
    millis = tick.time // 1000  # what a frame carries
    return Trade(
        "binance", SYMBOLS[row], agg_id, tick.price, tick.qty, tick.first_trade_id,
        tick.last_trade_id, millis * 1000, 0, tick.is_buyer_maker, 0, "simulated",
    )  # fmt: skip


def _stored(row: dict[str, Any]) -> Trade:
    return Trade(
        "binance", row["symbol"], row["agg_id"], row["price"], row["qty"], row["first_trade_id"],
        row["last_trade_id"], row["ms"] * 1000, 0, row["is_buyer_maker"], 0, "simulated",
    )  # fmt: skip
