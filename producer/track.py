"""One symbol's ids: which were let through, which are missing, which wait. Pure.

    floor ........ expected ........ top
    let through    awaited and held
    but for holes

`holes` are ids passed over (below `expected`) and not seen since. Between `expected` and `top`
some trades are held; the ids among them that are not are awaited.
"""

from collections import deque
from typing import Final

from lakehouse.id_ranges import IdRanges, Pair
from lakehouse.trade import Trade

MAX_HISTORY: Final = 10_000


class Track:
    """Bookkeeping without judgement; the Sequencer decides."""

    __slots__ = (
        "absent", "busy", "cleared", "declared", "due", "expected", "floor", "held", "held_ids",
        "history", "holes", "marks", "parked", "told_to", "undeclared", "waiting_since",
    )  # fmt: skip

    def __init__(self, first_id: int) -> None:
        self.floor = first_id
        self.expected = first_id
        self.holes = IdRanges()
        self.undeclared = IdRanges()  # holes that no gap has been told of
        self.held: dict[int, Trade] = {}
        self.held_ids = IdRanges()
        self.declared = IdRanges()  # awaited ids that a gap has been told of
        self.cleared = IdRanges()  # … and whose record Kafka has acknowledged
        self.absent = IdRanges()  # ids from expected on that the exchange has not
        self.history = IdRanges()  # ids far below floor, from another time
        self.parked: Trade | None = None
        self.waiting_since: float | None = None
        self.marks: deque[tuple[float, int]] = deque()  # when which top was seen first
        self.due = -1  # up to this id all have waited long enough
        self.told_to = -1  # up to this id gaps were declared
        self.busy = False

    @property
    def parked_id(self) -> int | None:
        """The id of the trade that is not believed yet."""
        return None if self.parked is None else self.parked.agg_id

    @property
    def told_floor(self) -> int:
        """The first id above the holes that no gap has been told of."""
        last = self.undeclared.last
        return self.floor if last is None else last + 1

    @property
    def top(self) -> int:
        """The highest id seen, let through or held."""
        return self.held_ids.last or self.expected - 1

    def hold(self, trade: Trade) -> None:
        """Keep a trade that came before its turn."""
        self.held[trade.agg_id] = trade
        self.held_ids.add(trade.agg_id, trade.agg_id)
        self.busy = True

    def ready(self) -> list[Trade]:
        """Takes the held trades whose turn it is, in order."""
        self._skip_absent()
        first = self.held_ids.first
        if first is None or first > self.expected:
            return []
        lo, hi = next(iter(self.held_ids))
        self.held_ids.remove(lo, hi)
        start, self.expected = max(lo, self.expected), hi + 1
        self._forget_below()
        return [self.held.pop(agg_id) for agg_id in range(start, hi + 1)]

    def awaited(self) -> list[Pair]:
        """The ids that trades are held for."""
        return self._awaited_from(self.expected)

    def declare(self) -> list[Pair]:
        """Awaited ids and holes that were not declared before; now they are."""
        # What is awaited below was declared before; thousands of gaps are not gone through again.
        fresh = self._awaited_from(max(self.expected, self.told_to + 1))
        self.told_to = self.top
        news = [pair for lo, hi in fresh for pair in self.declared.missing_between(lo, hi)]
        self.declared.update(news)
        news += self.undeclared.pairs
        self.undeclared = IdRanges()
        return news

    def may_pass(self) -> bool:
        """Whether the ids that the first held trade waits for are cleared."""
        first = self.held_ids.first
        return first is not None and not any(
            self.absent.missing_between(lo, hi)
            for lo, hi in self.cleared.missing_between(self.expected, first - 1)
        )

    def may_go(self, now: float, hold: float) -> bool:
        """Whether the first held trade has waited `hold` seconds; asked in every tick."""
        if self.held and (not self.marks or self.marks[-1][1] < self.top):
            self.marks.append((now, self.top))
        while self.marks and now - self.marks[0][0] >= hold:
            self.due = self.marks.popleft()[1]
        first = self.held_ids.first
        return first is not None and first <= self.due

    def pass_over(self) -> None:
        """Give up waiting: what the first held trade waits for becomes a hole."""
        first = self.held_ids.first
        assert first is not None
        self.holes.update(self.absent.missing_between(self.expected, first - 1))
        self.expected = first

    def fill(self, agg_id: int) -> bool:
        """Whether this id was a hole; it no longer is."""
        if agg_id not in self.holes:
            return False
        self.strike(agg_id, agg_id)
        return True

    def strike(self, lo: int, hi: int) -> None:
        """These ids are holes no longer."""
        self.holes.remove(lo, hi)
        if self.undeclared:
            self.undeclared.remove(lo, hi)

    def lower(self, agg_id: int) -> None:
        """A trade from before the first one: what lies between is missing."""
        if agg_id + 1 < self.floor:
            self.holes.add(agg_id + 1, self.floor - 1)
            self.undeclared.add(agg_id + 1, self.floor - 1)
        self.floor = agg_id

    def remember(self, agg_id: int) -> bool:
        """Whether an id of another time is new; many scattered ones are forgotten again."""
        if agg_id in self.history:
            return False
        if len(self.history.pairs) >= MAX_HISTORY:
            self.history = IdRanges()
        self.history.add(agg_id, agg_id)
        return True

    def _awaited_from(self, lo: int) -> list[Pair]:
        missing = self.held_ids.missing_between(lo, self.top)
        return [pair for lo, hi in missing for pair in self.absent.missing_between(lo, hi)]

    def _skip_absent(self) -> None:
        skipped = self.absent.overlapping(self.expected, self.expected)
        if skipped:
            _, hi = next(iter(self.absent))
            self.expected = hi + 1
            self._forget_below()

    def _forget_below(self) -> None:
        for known in (self.declared, self.cleared, self.absent):
            if known and known.first is not None and known.first < self.expected:
                known.remove(known.first, self.expected - 1)
