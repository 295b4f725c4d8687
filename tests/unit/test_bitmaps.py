"""Blocks of 64 numbers and the ranges that they mean."""

from hypothesis import given
from hypothesis import strategies as st

from lakehouse.id_ranges import IdRanges
from spark_jobs import bitmaps


def signed(numbers: set[int]) -> int:
    """As Spark's bit_or(shiftleft(1L, n)) gives it."""
    bits = sum(1 << number for number in numbers)
    return bits - (1 << 64) if bits >> 63 else bits


@given(st.sets(st.integers(0, 63)), st.integers(0, 2**57 - 1))
def test_a_block_is_its_numbers(numbers: set[int], block: int) -> None:
    found = list(bitmaps.ranges(block, block, signed(numbers)))
    wanted = IdRanges.from_ids(block * 64 + number for number in numbers)
    assert found == list(wanted)
    assert bitmaps.count(signed(numbers)) == len(numbers)


def test_full_blocks_in_a_row_are_one_range() -> None:
    assert list(bitmaps.ranges(3, 1_000_000, bitmaps.FULL)) == [(192, 64_000_063)]
