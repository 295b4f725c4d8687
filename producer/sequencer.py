"""Is each symbol's id the next one? Pure bookkeeping, no time, no I/O.

The exchange's aggregate ids rise by exactly one per symbol, so a jump is a gap. This module only
observes; what to do about a gap is decided elsewhere.
"""

from bisect import bisect_right
from enum import Enum
from operator import itemgetter
from typing import Final, NamedTuple

MAX_SYMBOLS: Final = 4096
MAX_HOLES: Final = 10_000
_LOW = itemgetter(0)


class Verdict(Enum):
    """Where an id stands among those seen before."""

    IN_ORDER = "in_order"
    DUPLICATE = "duplicate"
    LATE = "late"
    UNTRACKED = "untracked"


class Gap(NamedTuple):
    """The ids from `from_id` to `to_id`, both included, were jumped over."""

    symbol: str
    from_id: int
    to_id: int

    @property
    def ids(self) -> int:
        """How many ids are missing."""
        return self.to_id - self.from_id + 1


class _Track:
    """One symbol: everything from `first` to `last` was seen, but for the holes."""

    __slots__ = ("first", "holes", "last")

    def __init__(self, agg_id: int) -> None:
        self.first = agg_id
        self.last = agg_id
        self.holes: list[tuple[int, int]] = []


class Sequencer:
    """Judges ids per symbol. Memory is bounded by MAX_SYMBOLS x MAX_HOLES.

    `missing_ids` is the number of ids jumped over and not seen since. An id before a symbol's
    first one is LATE. Beyond MAX_HOLES open gaps the oldest is forgotten together with what came
    before it: ids there are then LATE, never a DUPLICATE that can't be shown to be one. Symbols
    beyond MAX_SYMBOLS are UNTRACKED.
    """

    def __init__(self, max_holes: int = MAX_HOLES) -> None:
        self._tracks: dict[str, _Track] = {}
        self._max_holes = max_holes
        self.missing_ids = 0

    def observe(self, symbol: str, agg_id: int) -> Verdict | Gap:
        """Judge one id and remember it; a Gap is told once, by the id that jumps over it."""
        track = self._tracks.get(symbol)
        if track is None:
            return self._begin(symbol, agg_id)
        expected = track.last + 1
        if agg_id == expected:
            track.last = agg_id
            return Verdict.IN_ORDER
        if agg_id > expected:
            return self._jump(symbol, track, agg_id)
        return self._look_back(track, agg_id)

    def _begin(self, symbol: str, agg_id: int) -> Verdict:
        if len(self._tracks) >= MAX_SYMBOLS:
            return Verdict.UNTRACKED
        self._tracks[symbol] = _Track(agg_id)
        return Verdict.IN_ORDER

    def _jump(self, symbol: str, track: _Track, agg_id: int) -> Gap:
        gap = Gap(symbol, track.last + 1, agg_id - 1)
        track.holes.append((gap.from_id, gap.to_id))
        track.last = agg_id
        self.missing_ids += gap.ids
        self._bound(track)
        return gap

    def _look_back(self, track: _Track, agg_id: int) -> Verdict:
        if agg_id < track.first:
            return Verdict.LATE
        place = bisect_right(track.holes, agg_id, key=_LOW) - 1
        if place < 0 or track.holes[place][1] < agg_id:
            return Verdict.DUPLICATE
        self._fill(track, place, agg_id)
        return Verdict.LATE

    def _fill(self, track: _Track, place: int, agg_id: int) -> None:
        low, high = track.holes[place]
        rest = [(low, agg_id - 1), (agg_id + 1, high)]
        track.holes[place : place + 1] = [hole for hole in rest if hole[0] <= hole[1]]
        self.missing_ids -= 1
        self._bound(track)

    def _bound(self, track: _Track) -> None:
        if len(track.holes) > self._max_holes:
            track.first = track.holes.pop(0)[1] + 1
