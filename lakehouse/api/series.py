"""One symbol's newest minutes of Gold, made for questions about windows of time. Pure.

Minutes are counted since 1970 UTC. Amounts are whole numbers of their smallest unit: prices and
volumes of 10^-8, quote volumes of 10^-16.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping
from itertools import accumulate, pairwise
from operator import attrgetter
from typing import Final, NamedTuple

PRICE_SCALE: Final = 8
VOLUME_SCALE: Final = 8
QUOTE_SCALE: Final = 16


class Bar(NamedTuple):
    """What a minute adds to its symbol's series."""

    close: int
    volume: int
    quote_volume: int
    trades: int
    returns: int  # 1 where the minute has a return_1m
    spikes: int  # 1 where the minute is a spike


class Totals(NamedTuple):
    """Sums over a window."""

    volume: int
    quote_volume: int
    trades: int
    returns: int
    spikes: int


_SUMMED: Final = tuple(attrgetter(name) for name in Totals._fields)


class Series:
    """Immutable: minutes in their order, their closes, and running sums of all else.

    A window then costs two searches, however long it is. All of it stands in plain tuples of
    numbers, which Python's collector of cycles stops looking at: with lists it would stop every
    request for tenths of a second.
    """

    __slots__ = ("_closes", "_sums", "minutes")

    def __init__(self) -> None:
        self.minutes: tuple[int, ...] = ()
        self._closes: tuple[int, ...] = ()
        self._sums: tuple[tuple[int, ...], ...] = tuple((0,) for _ in _SUMMED)

    def with_changes(self, changed: Mapping[int, Bar], gone: Collection[int] = ()) -> "Series":
        """The series with these minutes set anew and those gone; what lies before is kept."""
        if not changed and not gone:
            return self
        keep = bisect_left(self.minutes, min((*changed, *gone)))
        tail = {self.minutes[i]: self._bar(i) for i in range(keep, len(self.minutes))}
        left = {minute: bar for minute, bar in tail.items() if minute not in gone}
        return self._extended(keep, left | dict(changed))

    def since(self, minute: int) -> "Series":
        """The series without what lies before `minute`."""
        start = bisect_left(self.minutes, minute)
        if not start:
            return self
        found = Series()
        found.minutes, found._closes = self.minutes[start:], self._closes[start:]
        # Sums need not begin at zero: only their differences are asked for.
        found._sums = tuple(sums[start:] for sums in self._sums)
        return found

    def totals(self, first: int, last: int) -> Totals:
        """Sums over the minutes from `first` to `last`, both included."""
        start, stop = bisect_left(self.minutes, first), bisect_right(self.minutes, last)
        if start >= stop:
            return Totals(0, 0, 0, 0, 0)
        return Totals(*(sums[stop] - sums[start] for sums in self._sums))

    def volumes(self, first: int, minutes: int, count: int) -> list[int]:
        """The volumes of `count` windows of so many minutes, one after another from `first` on."""
        sums, edges = self._sums[0], range(first, first + count * minutes + 1, minutes)
        at_edges = [sums[bisect_left(self.minutes, edge)] for edge in edges]
        return [after - before for before, after in pairwise(at_edges)]

    def close_at(self, minute: int, look_back: int) -> int | None:
        """The close of the newest of the `look_back` minutes that end with `minute`."""
        stop = bisect_right(self.minutes, minute)
        if not stop or self.minutes[stop - 1] <= minute - look_back:
            return None
        return self._closes[stop - 1]

    def reaches(self, minute: int) -> bool:
        """Whether there is a row at `minute` or before it, so that what follows is whole."""
        return bool(self.minutes) and self.minutes[0] <= minute

    def newest_spike(self, first: int, last: int) -> int | None:
        """The newest minute of the window that is a spike."""
        spikes = self._sums[-1]
        stop = bisect_right(self.minutes, last)
        # The first index at which the running count has its value of the window's end.
        index = bisect_left(spikes, spikes[stop], 0, stop)
        found = self.minutes[index - 1] if index else None
        return found if found is not None and found >= first else None

    def _bar(self, index: int) -> Bar:
        sums = (sums[index + 1] - sums[index] for sums in self._sums)
        return Bar(self._closes[index], *sums)

    def _extended(self, keep: int, tail: Mapping[int, Bar]) -> "Series":
        order = tuple(sorted(tail))
        bars = [tail[minute] for minute in order]
        found = Series()
        found.minutes = self.minutes[:keep] + order
        found._closes = self._closes[:keep] + tuple(bar.close for bar in bars)
        found._sums = tuple(
            sums[:keep] + tuple(accumulate(map(value, bars), initial=sums[keep]))
            for sums, value in zip(self._sums, _SUMMED, strict=True)
        )
        return found
