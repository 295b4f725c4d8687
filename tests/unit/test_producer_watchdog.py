"""Who is silent for too long, on a fake clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.watchdog import LineWatch, SymbolWatch, Verdict


def trading(gap: float, count: int = 200, most: float = 30.0) -> tuple[LineWatch, float]:
    """A connection with a trade every `gap` seconds, and the time of the last one."""
    watch = LineWatch(0.0, most_seconds=most)
    for number in range(1, count + 1):
        watch.heard(1, number * gap)
    return watch, count * gap


def test_before_a_trade_the_silence_may_last_half_a_minute() -> None:
    watch = LineWatch(100.0)
    assert watch.silent_for(130.0) is None
    assert watch.silent_for(130.1) == pytest.approx(30.1)


@pytest.mark.parametrize(
    ("gap", "limit"), [(0.001, 5.0), (0.1, 10.0), (0.2, 20.0), (1.0, 30.0), (10.0, 100.0)]
)
def test_then_it_depends_on_what_is_usual(gap: float, limit: float) -> None:
    watch, last = trading(gap)
    assert watch.limit == pytest.approx(limit)
    assert watch.silent_for(last + limit - 0.01) is None
    assert watch.silent_for(last + limit + 0.01) is not None


def test_a_batch_counts_as_all_its_trades() -> None:
    watch = LineWatch(0.0)
    for number in range(1, 200):
        watch.heard(1000, number * 1.0)
    assert watch.limit == 5.0


def test_not_reading_is_no_silence() -> None:
    watch, last = trading(0.01)
    watch.excuse(last + 100.0)
    assert watch.silent_for(last + 104.0) is None
    watch.excuse(last)
    assert watch.silent_for(last + 106.0) is not None


def test_the_next_connection_knows_what_was_usual_once_it_has_a_trade() -> None:
    before, last = trading(0.01)
    watch = LineWatch(last, before)
    assert watch.limit == 30.0
    watch.heard(1, last + 1)
    assert watch.limit == 5.0


def test_where_trades_are_rare_the_next_connection_waits_for_its_first_one_too() -> None:
    before, last = trading(20.0)
    assert LineWatch(last, before).limit == pytest.approx(200.0)


def test_where_nothing_ever_comes_the_patience_doubles_up_to_ten_minutes() -> None:
    watch, limits = LineWatch(0.0), []
    for _ in range(7):
        limits.append(watch.limit)
        watch = LineWatch(0.0, watch)
    assert limits == [30.0, 60.0, 120.0, 240.0, 480.0, 600.0, 600.0]
    watch.heard(1, 1.0)
    assert LineWatch(2.0, watch).limit == 30.0


def watching(gap: float = 1.0, trades: int = 100) -> tuple[SymbolWatch, float]:
    """BTCUSDT with a trade every `gap` seconds, QUIET with none."""
    watch = SymbolWatch()
    watch.add(["BTCUSDT", "QUIET"], 0.0)
    for number in range(1, trades + 1):
        watch.seen("BTCUSDT", 1, number * gap)
    watch.excuse(["QUIET"], trades * gap)
    return watch, trades * gap


@pytest.mark.parametrize(("gap", "limit"), [(0.1, 10.0), (1.0, 30.0), (40.0, 600.0)])
def test_a_symbol_is_suspect_after_a_silence_unusual_for_it(gap: float, limit: float) -> None:
    watch, last = watching(gap)
    watch.remove(["QUIET"])
    assert watch.suspects(last + limit - 0.01) == []
    assert watch.suspects(last + limit + 0.01) == ["BTCUSDT"]
    assert watch.suspects(last + limit + 1.0) == []


def test_a_symbol_never_seen_is_asked_about_after_a_minute_and_then_ever_less() -> None:
    watch, now, asked = SymbolWatch(), 0.0, []
    watch.add(["NEW"], 0.0)
    for second in range(1, 1000):
        now = float(second)
        if watch.suspects(now):
            asked.append(second)
            watch.answered("NEW", 0, now)
    assert asked == [61, 61 + 121, 61 + 121 + 241, 61 + 121 + 241 + 481]


def test_a_quiet_market_is_looked_at_ever_less_until_a_trade_comes() -> None:
    watch, last = watching(0.1)
    watch.suspects(last + 11)
    watch.answered("BTCUSDT", 0, last + 11)
    assert watch.suspects(last + 11 + 20) == [] and watch.verdicts(last + 31) == []
    assert watch.suspects(last + 11 + 21) == ["BTCUSDT"]
    watch.seen("BTCUSDT", 1, last + 33)
    assert watch.suspects(last + 33 + 11) == []
    assert watch.suspects(last + 33 + 25) == ["BTCUSDT"]


def test_trades_that_did_not_come_mean_resubscribe_and_the_second_time_replace() -> None:
    watch, last = watching(0.1)
    verdicts = []
    for now in (last + 11, last + 31):
        assert watch.suspects(now) == ["BTCUSDT"]
        watch.answered("BTCUSDT", 3, now + 0.1)
        assert watch.verdicts(now + 1) == []
        verdicts += watch.verdicts(now + 3)
        assert watch.verdicts(now + 4) == []
    assert verdicts == [("BTCUSDT", Verdict.RESUBSCRIBE), ("BTCUSDT", Verdict.REPLACE)]


def test_ten_minutes_later_it_is_resubscribe_again() -> None:
    watch, last = watching(0.1)
    found = []
    for now in (last + 11, last + 700):
        watch.suspects(now)
        watch.answered("BTCUSDT", 1, now)
        found += watch.verdicts(now + 3)
    assert [verdict for _, verdict in found] == [Verdict.RESUBSCRIBE] * 2


def test_trades_that_come_meanwhile_acquit() -> None:
    watch, last = watching(0.1)
    watch.suspects(last + 11)
    watch.answered("BTCUSDT", 1, last + 11.5)
    watch.seen("BTCUSDT", 1, last + 12)
    assert watch.verdicts(last + 20) == []
    watch.suspects(last + 50)
    watch.seen("BTCUSDT", 1, last + 51)
    watch.answered("BTCUSDT", 1, last + 52)
    assert watch.verdicts(last + 60) == []


def test_a_probe_that_nobody_answers_is_repeated_after_two_minutes() -> None:
    watch, last = watching(0.1)
    watch.remove(["QUIET"])
    assert watch.suspects(last + 11) == ["BTCUSDT"]
    assert watch.suspects(last + 130) == []
    assert watch.suspects(last + 132) == ["BTCUSDT"]


def test_nobody_is_suspected_of_what_we_did_not_hear() -> None:
    watch, last = watching(0.1)
    watch.suspects(last + 11)
    watch.excuse_all(last + 100)
    watch.answered("BTCUSDT", 5, last + 101)
    assert watch.verdicts(last + 105) == [] and watch.suspects(last + 109) == []


def test_answers_about_strangers_are_ignored() -> None:
    watch = SymbolWatch()
    watch.answered("GONE", 1, 0.0)
    watch.seen("GONE", 1, 0.0)
    watch.excuse(["GONE"], 0.0)
    watch.remove(["GONE"])
    assert watch.suspects(1e9) == [] and watch.verdicts(1e9) == []


@given(st.lists(st.tuples(st.floats(0, 50), st.integers(1, 1000)), max_size=50))
def test_the_limits_hold_for_any_rhythm(beats: list[tuple[float, int]]) -> None:
    line, symbols, now = LineWatch(0.0), SymbolWatch(), 0.0
    symbols.add(["X"], 0.0)
    for gap, count in beats:
        now += gap
        line.heard(count, now)
        symbols.seen("X", count, now)
        assert 5.0 <= line.limit <= 600.0
        assert line.silent_for(now) is None and symbols.suspects(now + 9.9) == []
    assert symbols.suspects(now + 601) == ["X"]
