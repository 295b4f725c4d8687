"""A rebuild beside streams that go on: whoever comes between, each trade is there once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from pyspark.sql import SparkSession

from lakehouse import tables
from lakehouse.errors import StackError
from lakehouse.settings import Settings
from lakehouse.spans import Span
from lakehouse.trade import Trade
from spark_jobs import rebuild_swap, stream
from spark_jobs.app import JOBS
from spark_jobs.quality import Rules
from spark_jobs.rebuild_pieces import Hours
from spark_jobs.rebuild_silver import SilverPlan, SilverPlanner
from tests import reference
from tests.spark.reading import gold_by_minute
from tests.spark.rebuilding import FIRST, SILVER, Lake, hours_of_trades, trade


def check(made: Lake, fed: list[Trade]) -> None:
    """Silver and Gold are what the reference makes of all that was fed."""
    expected = reference.silver(fed)
    assert [(row["symbol"], row["agg_id"]) for row in _sorted(made)] == sorted(expected)
    times = {(row["symbol"], row["agg_id"]): row["micros"] for row in _sorted(made)}
    assert times == {key: each.trade_time for key, each in expected.items()}
    wanted = reference.gold(expected.values(), made.settings.watermark_minutes)
    assert gold_by_minute(made.spark) == wanted


def _sorted(made: Lake) -> list[dict[str, object]]:
    rows = made.spark.sql(
        f"SELECT symbol, agg_id, unix_micros(event_ts) AS micros FROM {SILVER} ORDER BY 1, 2"
    )
    return [row.asDict() for row in rows.collect()]


@dataclass
class Interrupted(SilverPlanner):
    """Between a plan and its swap somebody else comes, the first `times` times."""

    meanwhile: Callable[[], None] = lambda: None
    times: int = 1
    plans: list[SilverPlan] = field(default_factory=list)

    @contextmanager
    def planned(self) -> Iterator[SilverPlan]:
        with super().planned() as plan:
            self.plans.append(plan)
            if len(self.plans) <= self.times:
                self.meanwhile()
            yield plan


def interrupt(
    monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None], times: int = 1
) -> list[SilverPlan]:
    """Every rebuild meets it; the plans that were made are the result."""
    plans: list[SilverPlan] = []

    def planner(spark: SparkSession, rules: Rules, hours: Hours, timeless: bool) -> Interrupted:
        return Interrupted(spark, rules, hours, timeless, meanwhile, times, plans)

    monkeypatch.setattr("spark_jobs.rebuild.SilverPlanner", planner)
    return plans


def test_late_trades_in_the_span_are_met_and_kept(
    spark: SparkSession, lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, trades = Lake(spark, lake), hours_of_trades(2)
    late = [trade(1000, 30), trade(1001, 31, "ETHUSDT")]
    made.feed(trades)
    made.stream()
    made.sql(f"DELETE FROM {SILVER} WHERE agg_id BETWEEN 20 AND 25")

    def meanwhile() -> None:
        made.feed(late)
        made.stream()

    plans = interrupt(monkeypatch, meanwhile)
    [(_, silver), _] = made.rebuild("silver", Span(FIRST, FIRST + 1))
    assert len(plans) == 2
    assert (silver.change.added, silver.change.removed) == (12, 0)
    check(made, [*trades, *late])


def test_the_same_trade_from_a_record_with_another_hour(
    spark: SparkSession, lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The swap into the first hour sees nothing of it; a look behind does."""
    made, trades = Lake(spark, lake), hours_of_trades(2)
    elsewhere = [trade(20, 100)]
    made.feed(trades)
    made.stream()
    made.sql(f"DELETE FROM {SILVER} WHERE symbol = 'BTCUSDT' AND agg_id = 20")

    def meanwhile() -> None:
        made.feed(elsewhere)
        made.stream([tables.SILVER])
        assert made.spark.sql(f"SELECT 1 FROM {SILVER} WHERE agg_id = 20").count() == 2

    plans = interrupt(monkeypatch, meanwhile)
    made.rebuild("silver", Span(FIRST, FIRST + 1))
    assert len(plans) == 2
    made.stream([tables.GOLD])
    check(made, [*trades, *elsewhere])


def test_where_others_never_stop_it_gives_up_with_a_way_out(
    spark: SparkSession, lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, trades = Lake(spark, lake), hours_of_trades(1)
    made.feed(trades)
    made.stream()
    made.sql(f"DELETE FROM {SILVER} WHERE agg_id = 20")
    numbers = iter(range(1000, 2000))

    def meanwhile() -> None:
        made.feed([trade(next(numbers), 30)])
        made.stream([tables.SILVER])

    monkeypatch.setattr(rebuild_swap, "MOST_TRIES", 2)
    interrupt(monkeypatch, meanwhile, times=2)
    with pytest.raises(StackError, match="Choose an earlier --to"):
        made.rebuild("silver", Span(FIRST, FIRST + 1))
    [row] = made.audit()
    assert row["status"] == "failed" and "in each of 2 tries" in row["error"]
    assert len(_sorted(made)) == len(trades) - 2 + 2


def test_streams_that_run_and_are_fed_meanwhile(spark: SparkSession, lake: Settings) -> None:
    """What Silver had lost is sent again while it is rebuilt, with late trades and new ones."""
    made, trades = Lake(spark, lake), hours_of_trades(3)
    made.feed(trades)
    made.stream()
    made.sql(f"DELETE FROM {SILVER} WHERE agg_id BETWEEN 10 AND 110")
    context = stream.Context(spark, lake, run_id="beside")
    queries = [stream.start(context, JOBS[name](context)) for name in (tables.SILVER, tables.GOLD)]
    fed = list(trades)
    try:
        for step in range(3):
            again = [each for each in trades if each.agg_id // 40 == step]
            more = [*again, trade(2000 + step, 20 + step), trade(3000 + step, 185 + step)]
            made.feed(more)
            fed.extend(more)
            made.rebuild("silver", Span(FIRST, FIRST + 2))
        for query in queries:
            query.processAllAvailable()
    finally:
        for query in queries:
            query.stop()
    check(made, fed)
