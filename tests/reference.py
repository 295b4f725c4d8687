"""A slow, plain implementation of Silver and Gold: the oracle of the streaming jobs.

Written from docs/quality.md and docs/gold.md, on Python's integers and fractions alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from typing import TypeVar

from lakehouse.trade import Trade
from tests import reference_rules

_MINUTE_US = 60_000_000
_WIDE = Context(prec=200)
_Number = TypeVar("_Number", Decimal, Fraction)


@dataclass(frozen=True)
class SpikeRule:
    """The settings SPIKE_…, with their defaults."""

    warm_up_minutes: int = 20
    least_return: Decimal = Decimal("0.002")
    z_score: Decimal = Decimal(6)
    volume_ratio: Decimal = Decimal(3)


USUAL_RULE = SpikeRule()


@dataclass(frozen=True)
class Minute:
    """One row of Gold, without updated_at."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    trades: int
    exchange_trades: int
    taker_buy_volume: Decimal
    vwap_1m: Decimal
    volume_5m: Decimal
    price_ma_30m: Decimal
    return_1m: Decimal | None
    spike: bool
    spike_reasons: tuple[str, ...]
    is_final: bool


def is_valid(trade: Trade) -> bool:
    """Whether Silver takes the trade, whenever Kafka got it and whatever symbols are known."""
    return not reference_rules.broken({**trade._asdict(), "schema_version": 1}, kafka_time=None)


def silver(trades: Iterable[Trade]) -> dict[tuple[str, int], Trade]:
    """The first valid trade of each (symbol, agg_id)."""
    kept: dict[tuple[str, int], Trade] = {}
    for trade in trades:
        if is_valid(trade):
            kept.setdefault((trade.symbol, trade.agg_id), trade)
    return kept


def gold(
    trades: Iterable[Trade], watermark_minutes: int, rule: SpikeRule = USUAL_RULE
) -> dict[tuple[str, int], Minute]:
    """Gold by (symbol, minute since 1970), from Silver's trades."""
    grouped: dict[str, dict[int, list[Trade]]] = defaultdict(lambda: defaultdict(list))
    newest = 0
    for trade in trades:
        grouped[trade.symbol][trade.trade_time // _MINUTE_US].append(trade)
        newest = max(newest, trade.trade_time)
    final_below = newest // _MINUTE_US - watermark_minutes
    return {
        (symbol, minute): row
        for symbol, minutes in grouped.items()
        for minute, row in _features(minutes, final_below, rule).items()
    }


def rounded(value: Fraction, places: int = 12) -> Decimal:
    """Half up (away from zero), exactly."""
    scaled = abs(value) * 10**places
    digits = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(digits if value >= 0 else -digits).scaleb(-places, _WIDE)


def _features(
    minutes: dict[int, list[Trade]], final_below: int, rule: SpikeRule
) -> dict[int, Minute]:
    bars = {minute: sorted(rows, key=lambda t: t.agg_id) for minute, rows in minutes.items()}
    closes = {minute: Fraction(rows[-1].price) for minute, rows in bars.items()}
    volumes = {m: sum((Fraction(t.qty) for t in rows), Fraction(0)) for m, rows in bars.items()}
    returns = {minute: _return(closes, minute) for minute in bars}
    found = {}
    for minute, rows in bars.items():
        prices = [Decimal(t.price) for t in rows]
        quote = sum((Fraction(t.price) * Fraction(t.qty) for t in rows), Fraction(0))
        window = [closes[m] for m in closes if minute - 29 <= m <= minute]
        reasons = _spike(minute, returns, volumes, rule)
        found[minute] = Minute(
            open=prices[0],
            high=max(prices),
            low=min(prices),
            close=prices[-1],
            volume=rounded(volumes[minute], 8),
            quote_volume=rounded(quote, 16),
            trades=len(rows),
            exchange_trades=sum(t.last_trade_id - t.first_trade_id + 1 for t in rows),
            taker_buy_volume=rounded(
                sum((Fraction(t.qty) for t in rows if not t.is_buyer_maker), Fraction(0)), 8
            ),
            vwap_1m=rounded(quote / volumes[minute]),
            volume_5m=rounded(
                sum((v for m, v in volumes.items() if minute - 4 <= m <= minute), Fraction(0)), 8
            ),
            price_ma_30m=rounded(sum(window, Fraction(0)) / len(window)),
            return_1m=returns[minute],
            spike=bool(reasons),
            spike_reasons=reasons,
            is_final=minute < final_below,
        )
    return found


def _return(closes: dict[int, Fraction], minute: int) -> Decimal | None:
    before = [m for m in closes if minute - 60 <= m < minute]
    if not before:
        return None
    ratio = closes[minute] / closes[max(before)]
    return rounded(ratio - 1) if ratio < 10**15 else None


def _spike(
    minute: int,
    returns: dict[int, Decimal | None],
    volumes: dict[int, Fraction],
    rule: SpikeRule,
) -> tuple[str, ...]:
    this = returns[minute]
    hour = [m for m in returns if minute - 60 <= m < minute]
    past = [r for m in hour if (r := returns[m]) is not None]
    if this is None or len(past) < rule.warm_up_minutes or abs(this) < rule.least_return:
        return ()
    usual = low_median(past)
    spread = low_median([abs(r - usual) for r in past])
    stands_out = abs(this - usual) > rule.z_score * Decimal("1.4826") * spread
    loud = volumes[minute] >= Fraction(rule.volume_ratio) * low_median([volumes[m] for m in hour])
    if not (stands_out and loud):
        return ()
    return ("return_up" if this > 0 else "return_down", "volume_high")


def low_median(values: Sequence[_Number]) -> _Number:
    """The middle value, the lower of the two where their number is even."""
    return sorted(values)[(len(values) + 1) // 2 - 1]
