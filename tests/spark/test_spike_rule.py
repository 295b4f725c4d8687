"""The spike rule follows its settings, exactly, in the stream and in a rebuild."""

import random
from decimal import Decimal

from pyspark.sql import SparkSession

from lakehouse.settings import Settings
from lakehouse.trade import Trade
from tests import reference
from tests.spark.reading import gold_by_minute
from tests.spark.rebuilding import MINUTE, START, Lake

LOOSE = reference.SpikeRule(7, Decimal("0.0011"), Decimal("2.57"), Decimal("1.25"))
TINY = "TINYUSDT"


def wild(minutes: int = 150) -> list[Trade]:
    """Prices that jump about, with jumps of all sizes; a few minutes without a trade."""
    rng = random.Random(6)
    price, found = Decimal(100), []
    for minute in range(minutes):
        if rng.random() < 0.05:
            continue
        price *= 1 + Decimal(round(rng.gauss(0, 10) ** 3)) / 1_000_000
        found.append(_trade("BTCUSDT", minute, f"{price:.8f}", f"{rng.randint(1, 300) / 100:.2f}"))
    return found


def tiny() -> list[Trade]:
    """The least quantity that there is, then jumps with one, two, three times as much."""
    found = []
    for minute in range(60):
        jump = {40: 1, 45: 2, 50: 3}.get(minute)
        price = "105" if jump else f"{100 + minute % 3 / 100:.2f}"
        found.append(_trade(TINY, minute, price, f"{Decimal(jump or 1) / 10**8:.8f}"))
    return found


def _trade(symbol: str, minute: int, price: str, qty: str) -> Trade:
    at = START + minute * MINUTE
    return Trade(
        "binance", symbol, minute, price, qty, minute, minute, at, at, False, at, "simulated"
    )


def _spikes(rows: dict[tuple[str, int], reference.Minute]) -> set[tuple[str, int]]:
    return {
        (symbol, minute - START // MINUTE) for (symbol, minute), row in rows.items() if row.spike
    }


def test_other_settings_are_another_rule_and_a_rebuild_applies_it(
    spark: SparkSession, lake: Settings
) -> None:
    trades = [*wild(), *tiny()]
    usual = reference.gold(trades, lake.watermark_minutes)
    loose = reference.gold(trades, lake.watermark_minutes, LOOSE)
    assert _spikes(usual) == {(TINY, 50)}, "once, twice as much is not three times"
    assert _spikes(loose) > {(TINY, 45), (TINY, 50)} and len(_spikes(loose)) > 10

    made = Lake(spark, lake)
    made.feed(trades)
    made.stream()
    assert gold_by_minute(spark) == usual

    made.settings = lake.model_copy(
        update={
            "spike_warm_up_minutes": LOOSE.warm_up_minutes,
            "spike_least_return": LOOSE.least_return,
            "spike_z_score": LOOSE.z_score,
            "spike_volume_ratio": LOOSE.volume_ratio,
        }
    )
    made.rebuild("gold")
    assert gold_by_minute(spark) == loose
    again = wild(160)[len(wild()) :]
    made.feed(again)
    made.stream()
    assert gold_by_minute(spark) == reference.gold([*trades, *again], lake.watermark_minutes, LOOSE)
