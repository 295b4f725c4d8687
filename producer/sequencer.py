"""Is each symbol's id the next one? Puts trades in order, finds duplicates and gaps. Pure.

The exchange's aggregate ids rise by exactly one per symbol, so a jump is a gap. What comes behind
a gap is held: until the gap is filled, or until the wait is over and the gap is passed over. Times
called `now` are seconds of a monotonic clock.
"""

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, NamedTuple

from lakehouse.trade import Trade
from producer.recalled import Known
from producer.track import Track

NEAR: Final = 1000


class Verdict(Enum):
    """What became of a trade.

    IN_ORDER and LATE: the caller sends it, after what is in `released`. HELD: the sequencer has
    it, and puts it into `released` when its turn comes. PARKED: as HELD, but it may end in
    `refused`. DUPLICATE: it was let through before. FULL: nothing was done with it.
    """

    IN_ORDER = "in_order"
    HELD = "held"
    LATE = "late"
    DUPLICATE = "duplicate"
    PARKED = "parked"
    FULL = "full"


class Gap(NamedTuple):
    """The ids from `from_id` to `to_id`, both included, were jumped over."""

    symbol: str
    from_id: int
    to_id: int

    @property
    def ids(self) -> int:
        """How many ids are missing."""
        return self.to_id - self.from_id + 1


@dataclass(frozen=True)
class Patience:
    """How long and how much to hold. Times in seconds.

    A jump counts as a gap after `settle`, so that plain reordering costs no repair; what is
    behind it waits `hold` in all, or until `most_held` trades wait. A jump over more than
    `most_jump` ids is believed when the symbol's next trade is near it.
    """

    settle: float = 0.1
    hold: float = 2.0
    most_held: int = 20_000
    most_jump: int = 1_000_000


class Sequencer:
    """Judges every trade of every symbol; each id is let through once.

    `released` holds what was held and may go now: the caller sends it, in order, before anything
    else. `refused` holds trades whose id nothing confirmed: too far ahead to be believed.
    """

    def __init__(self, patience: Patience | None = None) -> None:
        self.released: deque[Trade] = deque()
        self.refused: deque[Trade] = deque()
        self.patience = patience or Patience()
        self._tracks: dict[str, Track] = {}
        self._waiting: dict[str, Track] = {}

    def resume(self, symbol: str, known: Known) -> None:
        """Begin where Kafka ends; gaps on record beyond are not told of again."""
        track = self._tracks[symbol] = Track(known.first_id)
        track.expected = known.last_id + 1
        track.holes.update(known.holes)
        track.declared.update(known.ahead)
        track.cleared.update(known.ahead)
        track.absent.update(known.absent)
        track.busy = bool(known.absent)

    def take(self, trade: Trade) -> Verdict:
        """Judge one trade. FULL: it was not taken; offer it again when gaps are cleared."""
        agg_id = trade.agg_id
        track = self._tracks.get(trade.symbol)
        if track is None:
            track = self._tracks[trade.symbol] = Track(agg_id)
        if agg_id != track.expected:
            return (self._ahead if agg_id > track.expected else self._behind)(track, trade)
        if track.busy:
            return self._next(track, trade)
        track.expected = agg_id + 1
        return Verdict.IN_ORDER

    def tick(self, now: float) -> list[Gap]:
        """Gaps that are new; lets go of what has waited long enough behind a cleared gap."""
        found: list[Gap] = []
        for symbol, track in list(self._waiting.items()):
            if track.waiting_since is None:
                track.waiting_since = now
            waited = now - track.waiting_since
            if waited >= self.patience.settle:
                found += [Gap(symbol, lo, hi) for lo, hi in track.declare()]
            # Each trade waits that long at most, however many gaps lie before it.
            while track.may_go(now, self.patience.hold) and self._pass_over(track):
                pass
            if not track.held and not track.undeclared:
                del self._waiting[symbol]
        return found

    def hurry(self) -> None:
        """Before a stop: a gap is a gap at once, and nothing waits longer than it must."""
        self.patience = replace(self.patience, settle=0.0, hold=0.0)
        for track in self._tracks.values():
            if track.parked is not None:
                self.refused.append(track.parked)
                track.parked = None

    def cleared(self, gap: Gap) -> None:
        """The gap's record is safe in Kafka: trades behind it may be let through."""
        track = self._tracks[gap.symbol]
        if gap.to_id >= track.expected:
            track.cleared.add(max(gap.from_id, track.expected), gap.to_id)

    def absent(self, symbol: str, from_id: int, to_id: int) -> None:
        """The exchange has no such ids: nothing waits for them any longer."""
        track = self._tracks.get(symbol)
        if track is None:
            return
        track.strike(from_id, to_id)
        if to_id >= track.expected:
            track.absent.add(max(from_id, track.expected), to_id)
            self._let_go(track)

    def last_id(self, symbol: str) -> int | None:
        """The highest id known of a symbol; None where none is."""
        track = self._tracks.get(symbol)
        return None if track is None else track.top

    def known(self) -> dict[str, tuple[int, int]]:
        """Per symbol the first id and the last one let through; between them all but holes.

        Holes that no gap has been told of yet are not spoken of: a start would not know them.
        """
        return {symbol: (t.told_floor, t.expected - 1) for symbol, t in self._tracks.items()}

    @property
    def held(self) -> int:
        """Trades that wait behind a gap."""
        return sum(len(track.held) for track in self._waiting.values())

    @property
    def missing_ids(self) -> int:
        """Ids passed over and not seen since, and ids that trades wait for."""
        passed = sum(track.holes.count for track in self._tracks.values() if track.holes)
        waiting = (pair for track in self._waiting.values() for pair in track.awaited())
        return passed + sum(hi - lo + 1 for lo, hi in waiting)

    def _behind(self, track: Track, trade: Trade) -> Verdict:
        agg_id = trade.agg_id
        if track.fill(agg_id):
            return Verdict.LATE
        if agg_id >= track.floor:
            return Verdict.DUPLICATE
        if track.floor - agg_id > self.patience.most_jump:
            return Verdict.LATE if track.remember(agg_id) else Verdict.DUPLICATE
        track.lower(agg_id)
        self._wait(trade.symbol, track)
        return Verdict.LATE

    def _next(self, track: Track, trade: Trade) -> Verdict:
        self._confirm(track, trade)
        track.hold(trade)
        self._let_go(track)
        return Verdict.HELD

    def _ahead(self, track: Track, trade: Trade) -> Verdict:
        if trade.agg_id in track.held or trade.agg_id == track.parked_id:
            return Verdict.DUPLICATE
        if not self._believed(track, trade):
            return Verdict.PARKED
        if len(track.held) >= self.patience.most_held:
            return self.take(trade) if self._pass_over(track) else Verdict.FULL
        track.hold(trade)
        self._wait(trade.symbol, track)
        return Verdict.HELD

    def _believed(self, track: Track, trade: Trade) -> bool:
        """A jump too far to be likely is parked until the next trade is near it."""
        self._confirm(track, trade)
        if trade.agg_id - track.top <= self.patience.most_jump:
            return True
        track.parked = trade
        track.busy = True
        return False

    def _confirm(self, track: Track, trade: Trade) -> None:
        parked, track.parked = track.parked, None
        if parked is None:
            return
        if abs(trade.agg_id - parked.agg_id) <= NEAR:
            track.hold(parked)
            self._wait(parked.symbol, track)
        elif trade.source == "rest":
            track.parked = parked  # a repair says nothing about what is live
        else:
            self.refused.append(parked)

    def _wait(self, symbol: str, track: Track) -> None:
        if symbol not in self._waiting:
            track.waiting_since = None
            self._waiting[symbol] = track

    def _pass_over(self, track: Track) -> bool:
        if not track.may_pass():
            return False
        track.pass_over()
        self._let_go(track)
        return True

    def _let_go(self, track: Track) -> None:
        while going := track.ready():
            self.released += going
            if len(going) > 1 or not track.held:
                # Not for a repair's trade alone: those behind it have waited no less.
                track.waiting_since = None
        track.busy = bool(track.held or track.absent) or track.parked is not None
