"""Streaming Silver and Gold equal a plain implementation, after every commit, whatever comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse import messages, tables
from lakehouse import settings as settings_module
from lakehouse.settings import Settings
from lakehouse.trade import Trade
from spark_jobs import session
from tests import reference
from tests.spark.feeding import feed_bronze, run_streams
from tests.spark.reading import gold_by_minute

MINUTE_US = 60_000_000
# 2024-08-08 22:30 UTC: the generated 150 minutes cross an hour and a midnight.
START_US = 1_723_156_200_000_000
PRICES = st.one_of(
    st.sampled_from(["0.00000001", "1000000000000", "999999999999.99999999", "61837.63000000"]),
    st.decimals("99", "101", places=2).map(str),
)
QTYS = st.one_of(
    st.sampled_from(["0.00000001", "100000", "0.02000000"]),
    st.decimals("0.00000001", "50", places=8).map(lambda d: f"{d:f}"),
)
BAD = st.sampled_from(["0", "-1", "0.000000001", "1e5", "NaN", "", "9" * 40])


@dataclass(frozen=True)
class Feed:
    """Trades in the order of arrival, in one or more commits of Bronze."""

    commits: tuple[tuple[Trade, ...], ...]


@st.composite
def feeds(draw: st.DrawFn, most: int = 60) -> Feed:
    spots = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["BTCUSDT", "ETHUSDT", "币USDT"]),
                st.integers(0, 149),
                st.sampled_from([0, 1, 30_000_000, MINUTE_US - 1]),
                PRICES,
                QTYS,
                st.booleans(),
                st.integers(0, 3),
            ),
            min_size=1,
            max_size=most,
        )
    )
    in_time = sorted(spots, key=lambda spot: (spot[1], spot[2]))
    trades = [
        Trade(
            "binance", symbol, 1000 + n, price, qty, 5 * n, 5 * n + more,
            START_US + minute * MINUTE_US + micros, START_US, maker, START_US, "simulated",
        )
        for n, (symbol, minute, micros, price, qty, maker, more) in enumerate(in_time)
    ]  # fmt: skip
    again = draw(st.lists(st.sampled_from(trades), max_size=10))
    broken = [
        trade._replace(agg_id=9000 + n, price=price)
        for n, (trade, price) in enumerate(
            draw(st.lists(st.tuples(st.sampled_from(trades), BAD), max_size=4))
        )
    ]
    arrival = draw(st.permutations([*trades, *again, *broken]))
    cuts = sorted(draw(st.lists(st.integers(0, len(arrival)), max_size=2)))
    edges = [0, *cuts, len(arrival)]
    parts = [tuple(arrival[a:b]) for a, b in pairwise(edges) if b > a]
    return Feed(tuple(parts))


@given(feed=feeds())
@settings(
    max_examples=8,
    deadline=None,
    # An example takes seconds, so shrinking would take an hour.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_feed(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, feed: Feed
) -> None:
    _check(spark, _empty_lake(spark, tmp_path_factory.mktemp("checkpoints")), feed.commits)


def test_spikes_after_a_quiet_hour(spark: SparkSession, lake: Settings) -> None:
    """An hour and a half, a jump up and one down with volume; the middle comes last."""
    trades = []
    for minute in range(90):
        jump = {70: ("103", "50"), 80: ("90", "60"), 75: ("99", "1")}.get(minute)
        price, qty = jump or (f"{100 + minute % 3 / 100:.2f}", "1.5")
        at = START_US + minute * MINUTE_US
        trades.append(
            Trade("binance", "BTCUSDT", minute, price, qty, minute, minute, at, at, False, at, "ws")
        )
    rows = _check(spark, lake, [trades[:40], trades[60:], trades[40:60]])
    spikes = {
        minute - START_US // MINUTE_US: row.spike_reasons for (_, minute), row in rows.items()
    }
    assert spikes[70] == ("return_up", "volume_high")
    assert spikes[80] == ("return_down", "volume_high")
    assert spikes[75] == ()


def test_a_late_trade_is_felt_two_hours_on(spark: SparkSession, lake: Settings) -> None:
    """It makes the return of the minute after it, which an hour later still judges a spike."""

    def at_minute(minute: int, price: str, qty: str) -> Trade:
        at = START_US + minute * MINUTE_US
        return Trade(
            "binance", "BTCUSDT", minute, price, qty, minute, minute, at, at, False, at, "ws"
        )

    prices = [(42 + n, f"{100 + n % 3 / 100:.2f}", "1") for n in range(19)]
    usual = [at_minute(*spot) for spot in [(1, "100", "1"), *prices, (61, "103", "10")]]
    late = at_minute(0, "100.01", "1")
    _check(spark, lake, [usual, [late]])


def _check(
    spark: SparkSession, lake: Settings, commits: Sequence[Sequence[Trade]]
) -> dict[tuple[str, int], reference.Minute]:
    fed: list[Trade] = []
    for number, commit in enumerate(commits):
        feed_bronze(spark, [messages.encode(trade) for trade in commit], len(fed), number)
        fed.extend(commit)
        run_streams(spark, lake)
        expected = reference.silver(fed)
        assert _silver_keys(spark) == sorted(expected)
        wanted = reference.gold(expected.values(), lake.watermark_minutes)
        assert gold_by_minute(spark) == wanted
    audited = spark.table(tables.full_name(tables.AUDIT)).where(F.col("job") == tables.SILVER)
    assert audited.agg(F.sum("rows_in")).collect()[0][0] == len(fed)
    return wanted


def _silver_keys(spark: SparkSession) -> list[tuple[str, int]]:
    rows = spark.table(tables.full_name(tables.SILVER)).select("symbol", "agg_id").collect()
    return sorted((row["symbol"], row["agg_id"]) for row in rows)


def _empty_lake(spark: SparkSession, checkpoints: Path) -> Settings:
    for table in tables.ALL:
        spark.sql(f"DROP TABLE IF EXISTS {tables.full_name(table)} PURGE")
    session.create_tables(spark)
    return settings_module.load(data_dir=checkpoints, trigger_seconds=0)
