"""Sets of numbers as blocks of 64, one bit each: how Spark hands them to Python. Pure."""

from collections.abc import Iterator
from typing import Final

from lakehouse.id_ranges import Pair

# (exchange, symbol) or (topic, partition): within one such line numbers rise by one.
Line = tuple[str | int, ...]

SIZE: Final = 64
FULL: Final = -1  # all bits of a signed 64-bit integer
_MASK: Final = (1 << SIZE) - 1


def ranges(from_block: int, to_block: int, bits: int) -> Iterator[Pair]:
    """The numbers of equal blocks `from_block`..`to_block` as closed ranges, lowest first.

    Bit i of block b is the number 64 b + i; `bits` is signed, as Spark's BIGINT is.
    """
    if bits == FULL:
        yield from_block * SIZE, to_block * SIZE + SIZE - 1
        return
    for block in range(from_block, to_block + 1):
        for low, high in _runs(bits & _MASK):
            yield block * SIZE + low, block * SIZE + high


def count(bits: int) -> int:
    """How many numbers are in a block."""
    return (bits & _MASK).bit_count()


def _runs(bits: int) -> Iterator[Pair]:
    """The unbroken runs of set bits."""
    while bits:
        low = (bits & -bits).bit_length() - 1
        # Adding the lowest set bit carries through the run and leaves what is above it.
        above = bits + (1 << low)
        high = (above & ~bits & -(above & ~bits)).bit_length() - 2
        yield low, high
        bits &= above
