"""Which minutes a batch recounts, rewrites and reads."""

from hypothesis import given
from hypothesis import strategies as st

from lakehouse.id_ranges import IdRanges
from spark_jobs.minutes import LOOKBACK_MINUTES, few, plan

MINUTES = st.integers(28_000_000, 28_010_000)
PAIRS = st.lists(st.tuples(MINUTES, st.integers(0, 500)).map(lambda p: (p[0], p[0] + p[1])))


@given(touched=st.sets(MINUTES, min_size=1, max_size=200), finalised=st.sets(MINUTES, max_size=20))
def test_a_plan_reaches_everything_that_a_trade_can_change(
    touched: set[int], finalised: set[int]
) -> None:
    work = plan(touched, finalised)
    recount, rewrite, context = (IdRanges(p) for p in (work.recount, work.rewrite, work.context))
    reach = 2 * LOOKBACK_MINUTES
    assert all(minute in recount for minute in touched)
    assert all(minute in rewrite for minute in finalised)
    assert all(lo in rewrite and hi + reach in rewrite for lo, hi in recount.pairs)
    assert all(lo - reach in context and hi in context for lo, hi in rewrite.pairs)


@given(pairs=PAIRS, most=st.integers(1, 10))
def test_few_covers_the_same_with_at_most_so_many(pairs: list[tuple[int, int]], most: int) -> None:
    apart = IdRanges(pairs).pairs
    found = few(apart, most)
    covered = IdRanges(found)
    assert len(found) <= most
    assert all(lo in covered and hi in covered for lo, hi in apart)
    if len(apart) <= most:
        assert found == apart


def test_the_nearest_are_joined() -> None:
    assert few([(1, 2), (10, 11), (13, 14), (90, 91)], most=3) == ((1, 2), (10, 14), (90, 91))
