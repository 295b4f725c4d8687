"""The weight budget: never over the limit in any minute, never an endless wait."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.budget import BANNED, RATE_LIMITED, WeightBudget

LIMITS: Final = st.integers(10, 6000)
WEIGHTS: Final = st.sampled_from([1, 2, 4, 4, 4, 20])
Booked = list[tuple[float, int]]


def ask(budget: WeightBudget, weight: int, now: float, booked: Booked) -> float:
    seconds = budget.wait(weight, now)
    if seconds == 0:
        booked.append((now, weight))
    return seconds


def most_in_a_minute(booked: Booked) -> int:
    """The most weight in any closed 60 s that begin with a request."""
    return max(
        (sum(w for at, w in booked if began <= at <= began + 60) for began, _ in booked), default=0
    )


@given(LIMITS, st.lists(st.tuples(WEIGHTS, st.floats(0, 20)), max_size=120))
def test_no_minute_ever_holds_more_than_the_limit(
    limit: int, calls: list[tuple[int, float]]
) -> None:
    budget, now, booked = WeightBudget(limit), 1000.0, Booked()
    for weight, idle in calls:
        now += idle
        if weight <= limit:
            ask(budget, weight, now, booked)
    assert most_in_a_minute(booked) <= limit


@given(LIMITS, st.lists(WEIGHTS, max_size=60))
def test_who_waits_as_told_gets_a_turn_within_bounds_and_keeps_to_the_limit(
    limit: int, weights: list[int]
) -> None:
    budget, now, booked = WeightBudget(limit), 0.0, Booked()
    for weight in weights:
        asked, began = 0, now
        while seconds := ask(budget, weight, now, booked):
            now, asked = now + seconds, asked + 1
            assert asked <= 3
        assert now - began <= 60 + 60 * max(20, weight) / (limit / 2)
    fitting = [(at, weight) for at, weight in booked if weight <= limit]
    assert len(booked) == len(weights)
    assert most_in_a_minute(fitting) <= limit


@pytest.mark.parametrize("limit", [100, 4800])
def test_the_limit_is_used_up_by_who_wants_it_all(limit: int) -> None:
    budget, now, booked = WeightBudget(limit), 0.0, Booked()
    while now < 600:
        now += ask(budget, 4, now, booked)
    assert limit * 10 * 0.5 < sum(weight for _, weight in booked) <= limit * 10
    if limit == 4800:
        assert sum(weight for _, weight in booked) > limit * 10 * 0.9


@given(st.integers(0, 6000), st.lists(st.tuples(WEIGHTS, st.floats(0, 3)), max_size=40))
def test_what_the_exchange_says_wins_when_it_is_worse(
    used: int, calls: list[tuple[int, float]]
) -> None:
    budget, now, booked = WeightBudget(4800), 0.0, Booked()
    budget.used(used, now, 45.0)
    for weight, idle in calls:
        now += idle
        ask(budget, weight, now, booked)
    within = sum(weight for at, weight in booked if at < 45)
    assert within <= max(0, 4800 - used)
    now = max(now, 45.0)
    assert budget.wait(4, now) < 4 / (4320 / 60)


def test_what_is_booked_after_its_figure_counts_beside_it() -> None:
    budget, booked = WeightBudget(4800), Booked()
    budget.used(4700, 0.0, 45.0)
    for now in range(45):
        for _ in range(10):
            ask(budget, 4, now, booked)
    assert sum(weight for _, weight in booked) == 100
    assert budget.used_weight(44.0) == 4800


def test_its_figure_holds_only_for_its_minute() -> None:
    budget = WeightBudget(4800)
    budget.used(5990, 0.0, 20.0)
    assert budget.wait(4, 0.0) == 20.0
    assert budget.wait(4, 19.0) == 1.0
    assert budget.wait(4, 20.0) == 0.0


def test_an_overtaken_answer_does_not_lower_the_figure_but_a_new_minute_does() -> None:
    budget = WeightBudget(4800)
    budget.used(4799, 0.0, 30.0)
    budget.used(100, 0.5, 30.0)
    assert budget.used_weight(0.5) == 4799
    assert budget.wait(4, 0.5) > 0
    budget.used(8, 1.0, 60.0)
    assert budget.used_weight(1.0) == 8
    assert budget.wait(4, 1.0) == 0


def test_a_pause_holds_up_everything_and_a_shorter_one_does_not_end_it() -> None:
    budget = WeightBudget(4800)
    budget.pause(120, 0.0, BANNED)
    budget.pause(1, 1.0, RATE_LIMITED)
    assert (budget.wait(1, 1.0), budget.paused(1.0)) == (119.0, BANNED)
    assert budget.paused_seconds == 120
    budget.pause(130, 60.0, RATE_LIMITED)
    assert (budget.paused_seconds, budget.paused(130.0)) == (190, RATE_LIMITED)
    assert (budget.wait(1, 190.0), budget.paused(190.0)) == (0.0, "")


@given(st.floats(0, 10), st.integers(10, 6000))
def test_a_clock_that_stands_still_or_starts_anywhere_changes_nothing(
    start: float, limit: int
) -> None:
    budget, booked = WeightBudget(limit), Booked()
    for _ in range(2000):
        ask(budget, 4, start, booked)
    assert sum(weight for _, weight in booked) <= limit / 2 or limit < 80
    assert most_in_a_minute(booked) <= limit
