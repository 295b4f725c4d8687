"""IdRanges against a plain Python set, which is slow and obviously right."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.id_ranges import IdRanges, Pair

IDS = st.integers(-20, 60)
PAIRS = st.lists(st.tuples(IDS, st.integers(0, 12)).map(lambda p: (p[0], p[0] + p[1])), max_size=25)


def ids_of(pairs: list[Pair] | tuple[Pair, ...]) -> set[int]:
    return {number for lo, hi in pairs for number in range(lo, hi + 1)}


def assert_normal(pairs: list[Pair] | tuple[Pair, ...]) -> None:
    """Sorted, disjoint, and never touching."""
    assert all(lo <= hi for lo, hi in pairs)
    assert all(left[1] + 1 < right[0] for left, right in pairwise(pairs))


@given(PAIRS)
def test_holds_the_ids_of_a_plain_set(pairs: list[Pair]) -> None:
    ranges, plain = IdRanges(pairs), ids_of(pairs)
    assert_normal(ranges.pairs)
    assert ids_of(ranges.pairs) == plain
    assert len(ranges) == ranges.count == len(plain)
    assert bool(ranges) == bool(plain)
    assert (ranges.first, ranges.last) == (min(plain, default=None), max(plain, default=None))
    assert all((number in ranges) == (number in plain) for number in range(-25, 80))


@given(PAIRS)
def test_the_order_of_adding_does_not_matter(pairs: list[Pair]) -> None:
    assert IdRanges(pairs) == IdRanges(reversed(pairs)) == IdRanges(sorted(pairs))
    assert list(IdRanges(pairs)) == list(IdRanges(pairs).pairs)


@given(st.lists(IDS, max_size=60))
def test_from_ids(ids: list[int]) -> None:
    assert ids_of(IdRanges.from_ids(ids).pairs) == set(ids)


@given(PAIRS, PAIRS)
def test_union_changes_neither(left: list[Pair], right: list[Pair]) -> None:
    one, other = IdRanges(left), IdRanges(right)
    both = one.union(other)
    assert ids_of(both.pairs) == ids_of(left) | ids_of(right)
    assert (one, other) == (IdRanges(left), IdRanges(right))


@given(PAIRS, IDS, IDS)
def test_overlapping_and_missing_between_split_the_bounds(
    pairs: list[Pair], lo: int, hi: int
) -> None:
    ranges, asked = IdRanges(pairs), set(range(lo, hi + 1))
    found, holes = ranges.overlapping(lo, hi), ranges.missing_between(lo, hi)
    assert_normal(found)
    assert_normal(holes)
    assert ids_of(found) == asked & ids_of(pairs)
    assert ids_of(holes) == asked - ids_of(pairs)


@given(PAIRS)
def test_missing_is_what_lies_between_the_ends(pairs: list[Pair]) -> None:
    ranges, plain = IdRanges(pairs), ids_of(pairs)
    between = set(range(min(plain), max(plain) + 1)) if plain else set()
    assert_normal(ranges.missing())
    assert ids_of(ranges.missing()) == between - plain


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match=r"5\.\.4"):
        IdRanges([(5, 4)])


def test_ids_of_an_exchange_fit_and_stay_exact() -> None:
    ranges = IdRanges([(1, 3_000_000_000), (2**62, 2**62 + 9)])
    assert len(ranges) == 3_000_000_010
    assert ranges.missing() == [(3_000_000_001, 2**62 - 1)]


def test_strangers_are_not_in_the_set_and_the_set_has_no_hash() -> None:
    assert "1" not in IdRanges([(1, 1)])
    assert IdRanges() != [(1, 1)]
    assert repr(IdRanges([(1, 2)])) == "IdRanges([(1, 2)])"
    with pytest.raises(TypeError):
        hash(IdRanges())


def test_ids_in_order_make_one_range() -> None:
    ranges = IdRanges.from_ids(range(200_000))
    assert ranges.pairs == ((0, 199_999),)


@given(PAIRS, IDS, st.integers(0, 12))
def test_removing_takes_out_just_that(pairs: list[Pair], lo: int, width: int) -> None:
    ranges = IdRanges(pairs)
    ranges.remove(lo, lo + width)
    assert_normal(ranges.pairs)
    assert ids_of(ranges.pairs) == ids_of(pairs) - set(range(lo, lo + width + 1))


def test_removing_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="ends before it begins"):
        IdRanges([(1, 9)]).remove(5, 4)
