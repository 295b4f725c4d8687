"""The reject limit: a window over the newest batches, by example and against a plain oracle."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.errors import RejectLimitError
from spark_jobs.reject_limit import Judged, RejectLimit

BATCHES = st.lists(
    st.integers(1, 30).flatmap(lambda rows: st.tuples(st.just(rows), st.integers(0, rows))),
    max_size=40,
)


def stopped_at(limit: RejectLimit, batches: Sequence[tuple[int, int]]) -> int | None:
    """The number of the first batch that is refused."""
    for number, (rows, failed) in enumerate(batches):
        try:
            limit.check(rows, failed)
        except RejectLimitError:
            return number
    return None


def oracle(percent: int, least: int, batches: Sequence[tuple[int, int]]) -> int | None:
    """The same by looking back anew from each batch: the fewest newest ones that hold enough."""
    for number, (_, newest_failed) in enumerate(batches):
        rows = failed = 0
        for each in reversed(batches[: number + 1]):
            rows, failed = rows + each[0], failed + each[1]
            if rows >= least:
                break
        if newest_failed and rows >= least and failed / rows * 100 >= percent:
            return number
    return None


def test_a_fresh_lake_does_not_stop_at_its_first_bad_rows() -> None:
    assert stopped_at(RejectLimit(95, 10_000), [(20, 20)]) is None


def test_it_stops_before_the_batch_with_which_enough_rows_are_bad() -> None:
    assert stopped_at(RejectLimit(95, 100), [(50, 50), (49, 49), (1, 1)]) == 2
    assert stopped_at(RejectLimit(95, 100), [(100, 94)]) is None
    assert stopped_at(RejectLimit(95, 100), [(100, 95)]) == 0
    assert stopped_at(RejectLimit(100, 100), [(100, 99), (100, 100)]) == 1


def test_good_rows_of_long_ago_do_not_excuse_bad_ones_of_now() -> None:
    assert stopped_at(RejectLimit(95, 100), [(1_000_000, 0), *[(10, 10)] * 20]) == 10


def test_one_large_batch_is_a_window_of_its_own() -> None:
    assert stopped_at(RejectLimit(95, 100), [(90, 0), (500_000, 499_000)]) == 1


def test_a_batch_without_a_bad_row_is_never_refused() -> None:
    limit = RejectLimit(95, 100, [Judged(200, 200)])
    limit.check(1, 0)
    with pytest.raises(RejectLimitError):
        limit.check(1, 1)


def test_a_restart_does_not_forget() -> None:
    assert stopped_at(RejectLimit(95, 100, [Judged(60, 60), Judged(30, 30)]), [(10, 10)]) == 0
    assert stopped_at(RejectLimit(95, 100, [Judged(60, 0), Judged(30, 30)]), [(10, 10)]) is None


def test_a_refused_batch_is_refused_again_and_counts_once() -> None:
    limit = RejectLimit(95, 100, [Judged(90, 90)])
    messages = set()
    for _ in range(3):
        with pytest.raises(RejectLimitError) as caught:
            limit.check(50, 50)
        messages.add(caught.value.message)
    assert len(messages) == 1
    limit.check(2000, 0)
    limit.check(5, 5)


def test_zero_rows_switch_it_off() -> None:
    assert stopped_at(RejectLimit(1, 0), [(1_000_000, 1_000_000)] * 3) is None


def test_the_message_says_how_many_of_what_and_what_to_do() -> None:
    asked = []

    def commonest() -> dict[str, int]:
        asked.append(1)
        return {"symbol_unknown": 9000, "price_missing": 7, "qty_missing": 6, "x": 1}

    limit = RejectLimit(95, 10_000)
    limit.check(5_000, 4_900, commonest)
    assert not asked, "counting rules costs a job of Spark"
    with pytest.raises(RejectLimitError) as caught:
        limit.check(6_000, 6_000, commonest)
    assert caught.value.message == (
        "10,900 of the last 11,000 rows break a rule of quality, in the newest batch most of all "
        "symbol_unknown (9,000), price_missing (7), qty_missing (6). Silver's stream stops before "
        "they fill the quarantine; nothing is lost, they are in Bronze."
    )
    assert "REJECT_LIMIT_ROWS=0" in caught.value.hint
    assert caught.value.exit_code == 7


@given(st.integers(1, 100), st.integers(1, 60), BATCHES)
def test_it_is_the_window_that_it_says(
    percent: int, least: int, batches: list[tuple[int, int]]
) -> None:
    assert stopped_at(RejectLimit(percent, least), batches) == oracle(percent, least, batches)


@given(st.integers(1, 100), st.integers(1, 60), BATCHES, st.integers(0, 40))
def test_a_restart_at_any_batch_changes_nothing(
    percent: int, least: int, batches: list[tuple[int, int]], cut: int
) -> None:
    whole = stopped_at(RejectLimit(percent, least), batches)
    if whole is not None and whole < cut:
        return  # it had stopped before
    recalled = RejectLimit(percent, least, [Judged(*each) for each in batches[:cut]])
    later = stopped_at(recalled, batches[cut:])
    assert (None if later is None else later + len(batches[:cut])) == whole
