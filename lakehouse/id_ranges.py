"""A set of integer ids kept as closed ranges: a million consecutive ids cost one pair. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

Pair = tuple[int, int]


class IdRanges:
    """Sorted, disjoint, closed ranges `(lo, hi)` that never touch: 1..2 and 3..4 become 1..4.

    Adding costs O(log n) to find the place (plus moving the list's tail when it is not the last
    range), so a nearly ordered stream of ids is cheap. Ranges with lo > hi raise ValueError.
    """

    __slots__ = ("_his", "_los")

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        self._los: list[int] = []
        self._his: list[int] = []
        self.update(pairs)

    @classmethod
    def from_ids(cls, ids: Iterable[int]) -> "IdRanges":
        """The set of these ids, in any order, repeated or not."""
        return cls((number, number) for number in ids)

    def add(self, lo: int, hi: int) -> None:
        """Add every id of lo..hi, both ends included."""
        if lo > hi:
            raise ValueError(f"the range {lo}..{hi} ends before it begins")
        # All ranges that overlap lo..hi or touch it are melted into one.
        begin = bisect_left(self._his, lo - 1)
        end = bisect_right(self._los, hi + 1)
        if begin < end:
            lo, hi = min(lo, self._los[begin]), max(hi, self._his[end - 1])
        self._los[begin:end] = [lo]
        self._his[begin:end] = [hi]

    def remove(self, lo: int, hi: int) -> None:
        """Take every id of lo..hi out, both ends included; those not there are no error."""
        if lo > hi:
            raise ValueError(f"the range {lo}..{hi} ends before it begins")
        begin, end = bisect_left(self._his, lo), bisect_right(self._los, hi)
        if begin == end:
            return
        rest = [(self._los[begin], lo - 1), (hi + 1, self._his[end - 1])]
        kept = [pair for pair in rest if pair[0] <= pair[1]]
        self._los[begin:end] = [pair[0] for pair in kept]
        self._his[begin:end] = [pair[1] for pair in kept]

    def update(self, other_pairs: Iterable[Pair]) -> None:
        """Add many ranges, in any order; another IdRanges is one such iterable."""
        for lo, hi in other_pairs:
            self.add(lo, hi)

    def union(self, other_pairs: Iterable[Pair]) -> "IdRanges":
        """A new set of the ids of both; neither is changed."""
        both = IdRanges(self)
        both.update(other_pairs)
        return both

    def overlapping(self, lo: int, hi: int) -> list[Pair]:
        """What of lo..hi is in the set: its ranges, cut at lo and hi. Empty where lo > hi."""
        if lo > hi:
            return []
        begin, end = bisect_left(self._his, lo), bisect_right(self._los, hi)
        found = zip(self._los[begin:end], self._his[begin:end], strict=True)
        return [(max(lo, left), min(hi, right)) for left, right in found]

    def missing(self) -> list[Pair]:
        """The holes between the first and the last id, each as closed (from, to)."""
        holes = zip(self._his, self._los[1:], strict=False)
        return [(left + 1, right - 1) for left, right in holes]

    def missing_between(self, lo: int, hi: int) -> list[Pair]:
        """What of lo..hi is not in the set, as closed ranges. Empty where lo > hi."""
        holes: list[Pair] = []
        for left, right in self.overlapping(lo, hi):
            if lo < left:
                holes.append((lo, left - 1))
            lo = right + 1
        return [*holes, (lo, hi)] if lo <= hi else holes

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The ranges, lowest first."""
        return tuple(self)

    @property
    def first(self) -> int | None:
        """The lowest id, None in an empty set."""
        return self._los[0] if self._los else None

    @property
    def last(self) -> int | None:
        """The highest id, None in an empty set."""
        return self._his[-1] if self._his else None

    @property
    def count(self) -> int:
        """How many ids are in the set (not how many ranges)."""
        return sum(self._his) - sum(self._los) + len(self._los)

    @property
    def ranges(self) -> int:
        """How many ranges there are (not how many ids)."""
        return len(self._los)

    def __len__(self) -> int:
        return self.count

    def __bool__(self) -> bool:
        return bool(self._los)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        place = bisect_left(self._his, number)
        return place < len(self._los) and self._los[place] <= number

    def __iter__(self) -> Iterator[Pair]:
        return zip(self._los, self._his, strict=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdRanges) and self.pairs == other.pairs

    __hash__ = None  # type: ignore[assignment]  # it changes in place

    def __repr__(self) -> str:
        return f"IdRanges({list(self)!r})"
