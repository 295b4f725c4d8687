"""One shard's connections on a fake clock: rotation without a break, back-off, the budget."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.lifeline import Close, ConnectBudget, Lifeline, Open, Policy

CALM = Policy(jitter=0.0, spacing=0.0)
HOUR = 3600.0


def lifeline(policy: Policy = CALM, seed: int = 1) -> Lifeline:
    return Lifeline(policy, ConnectBudget(policy), Random(seed))


def standing(policy: Policy = CALM) -> Lifeline:
    """A shard whose connection 1 stands since 0 and brings trades."""
    life = lifeline(policy)
    assert life.step(0.0) == Open(1, "no connection")
    life.opened(1, 0.0)
    life.heard(1, 1.0)
    return life


def test_the_first_connection_is_opened_at_once_and_only_one() -> None:
    life = lifeline()
    assert life.step(0.0) == Open(1, "no connection")
    assert life.step(1.0) is None and not life.connected
    life.opened(1, 2.0)
    assert life.step(3.0) is None and life.connected and not life.rotating


def test_after_23_hours_the_new_connection_takes_over_when_it_brings_trades() -> None:
    life = standing()
    assert life.step(23 * HOUR - 1) is None
    assert life.step(23 * HOUR) == Open(2, "rotation")
    life.opened(2, 23 * HOUR + 1)
    life.heard(1, 23 * HOUR + 2)
    assert life.step(23 * HOUR + 2) is None and life.rotating
    life.heard(2, 23 * HOUR + 3)
    closing = life.step(23 * HOUR + 3)
    assert isinstance(closing, Close) and (closing.line, closing.rotated) == (1, True)
    assert life.ended(1, 23 * HOUR + 4) is False
    assert life.step(46 * HOUR) is None
    assert life.step(46 * HOUR + 1) == Open(3, "rotation")


def test_a_new_connection_must_be_subscribed_to_all_before_it_takes_over() -> None:
    life = standing()
    life.step(23 * HOUR)
    life.opened(2, 23 * HOUR)
    life.heard(2, 23 * HOUR + 1)
    assert life.step(23 * HOUR + 1, settled=False) is None
    assert isinstance(life.step(23 * HOUR + 2, settled=True), Close)


def test_in_a_quiet_market_the_new_connection_takes_over_after_half_a_minute() -> None:
    life = standing()
    life.step(23 * HOUR)
    life.opened(2, 23 * HOUR)
    assert life.step(23 * HOUR + 29.9) is None
    closing = life.step(23 * HOUR + 30)
    assert isinstance(closing, Close) and (closing.line, closing.rotated) == (1, True)


def test_a_new_connection_that_alone_is_silent_goes_and_the_old_one_stays() -> None:
    life = standing()
    life.step(23 * HOUR)
    life.opened(2, 23 * HOUR)
    life.heard(1, 23 * HOUR + 20)
    closing = life.step(23 * HOUR + 30)
    assert isinstance(closing, Close) and (closing.line, closing.rotated) == (2, False)
    life.ended(2, 23 * HOUR + 31)
    assert life.connected
    assert life.step(23 * HOUR + 40) == Open(3, "rotation")


def test_an_old_connection_stays_where_no_new_one_can_be_opened() -> None:
    life, now = standing(), 23 * HOUR
    for attempt in range(2, 12):
        while (step := life.step(now)) is None:
            now += 0.1
            life.heard(1, now)
        assert step == Open(attempt, "rotation")
        assert life.ended(attempt, now) is True
        assert life.connected
    # Its trades don't shorten the time between attempts.
    assert life.retry_seconds > 30 and now > 23 * HOUR + 60


def test_an_old_connection_that_dies_while_the_new_one_is_opened_leaves_it_in_charge() -> None:
    life = standing()
    life.step(23 * HOUR)
    assert life.ended(1, 23 * HOUR + 1) is True
    assert not life.connected and life.step(23 * HOUR + 5) is None
    life.opened(2, 23 * HOUR + 6)
    assert life.connected and life.step(23 * HOUR + 7) is None


def test_an_old_connection_that_dies_beside_an_open_one_is_replaced_by_it_at_once() -> None:
    life = standing()
    life.step(23 * HOUR)
    life.opened(2, 23 * HOUR)
    assert life.ended(1, 23 * HOUR + 1) is True
    assert life.connected and not life.rotating


def test_a_server_that_shuts_down_is_left_at_once() -> None:
    life = standing()
    life.replace(1, "serverShutdown")
    assert life.step(5.0) == Open(2, "serverShutdown")
    life.replace(1, "serverShutdown")
    assert life.step(5.1) is None
    life.opened(2, 5.2)
    life.heard(2, 5.3)
    assert isinstance(life.step(5.3), Close)
    assert life.step(5.4) is None


def test_a_new_connection_to_a_server_that_shuts_down_too_is_left_after_it_took_over() -> None:
    life = standing()
    life.replace_current("a stream is dead")
    assert life.step(5.0) == Open(2, "a stream is dead")
    life.opened(2, 5.1)
    life.replace(2, "serverShutdown")
    life.heard(2, 5.2)
    assert isinstance(life.step(5.3), Close)
    assert life.step(5.4) == Open(3, "serverShutdown")


def test_reports_about_connections_long_gone_change_nothing() -> None:
    life = standing()
    life.replace(7, "serverShutdown")
    life.opened(7, 1.0)
    assert life.ended(7, 1.0) is False
    assert life.step(2.0) is None and life.connected


@given(st.integers(0, 2**32))
def test_connections_rotate_within_five_percent_of_their_time(seed: int) -> None:
    life = lifeline(Policy(), seed)
    life.step(0.0)
    life.opened(1, 0.0)
    assert life.step(23 * HOUR * 0.95 - 1) is None
    assert isinstance(life.step(23 * HOUR * 1.05 + 1), Open)


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_backoff_doubles_with_jitter_up_to_its_bound(seed: int, failures: int) -> None:
    policy = Policy(spacing=0.0, window=1.0)
    life, now = lifeline(policy, seed), 0.0
    for failed in range(failures):
        step = life.step(now)
        assert isinstance(step, Open)
        life.ended(step.line, now)
        ceiling = min(policy.first_backoff * 2**failed, policy.most_backoff)
        assert ceiling / 2 <= life.retry_seconds <= ceiling
        assert life.step(now + life.retry_seconds - 0.001) is None
        now += life.retry_seconds


def test_trades_reset_the_backoff() -> None:
    life, now = lifeline(), 0.0
    for number in range(1, 10):
        life.step(now)
        life.ended(number, now)
        now += life.retry_seconds
    life.step(now)
    life.opened(10, now)
    life.heard(10, now)
    life.ended(10, now)
    assert life.retry_seconds <= CALM.first_backoff


@given(st.lists(st.floats(0, 40), min_size=1, max_size=120), st.integers(1, 4))
def test_the_limit_on_connects_is_kept_by_all_shards_together(
    waits: list[float], shards: int
) -> None:
    policy = Policy(most_connects=5, window=60.0, spacing=0.5, first_backoff=0.01)
    budget = ConnectBudget(policy)
    lives = [Lifeline(policy, budget, Random(number)) for number in range(shards)]
    now, connects = 0.0, list[float]()
    for wait in waits:
        now += wait
        for life in lives:
            step = life.step(now)
            if isinstance(step, Open):
                connects.append(now)
                life.ended(step.line, now)
    for at in connects:
        assert sum(at <= one < at + policy.window for one in connects) <= policy.most_connects
    gaps = [later - earlier for earlier, later in pairwise(connects)]
    assert all(gap >= policy.spacing - 1e-9 for gap in gaps)


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["opened", "heard", "ended", "replace", "step", "step"]),
        st.integers(0, 2),
        st.floats(0, 40),
    ),
    max_size=80,
)


@given(EVENTS)
def test_whatever_happens_at_most_two_stand_and_never_both_are_closed(
    events: list[tuple[str, int, float]],
) -> None:
    life = lifeline(Policy(rotate_after=100.0, spacing=0.0, window=0.0))
    alive: dict[int, bool] = {}  # number: whether it is opened
    closing: set[int] = set()
    now = 0.0
    for what, which, wait in events:
        now += wait
        lines = sorted(alive)
        line = lines[which % len(lines)] if lines else 0
        if what == "step":
            step = life.step(now)
            if isinstance(step, Open):
                alive[step.line] = False
            elif step is not None:
                assert any(alive[one] for one in alive.keys() - closing - {step.line})
                closing.add(step.line)
        elif what == "opened" and lines and not alive[line]:
            alive[line] = True
            life.opened(line, now)
        elif what == "heard" and lines and alive[line]:
            life.heard(line, now)
        elif what == "replace" and lines:
            life.replace(line, "doomed")
        elif what == "ended" and lines:
            assert life.ended(line, now) == (line not in closing)
            del alive[line]
            closing.discard(line)
        assert len(alive.keys() - closing) <= 2
        assert life.connected == any(alive[one] for one in alive.keys() - closing)


@pytest.mark.parametrize("hours", [1, 100])
def test_time_alone_brings_no_second_rotation_while_one_is_on(hours: int) -> None:
    life = standing()
    assert isinstance(life.step(24 * HOUR), Open)
    assert life.step((24 + hours) * HOUR) is None
