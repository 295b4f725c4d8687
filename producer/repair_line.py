"""What of one symbol is still to be fetched, and when to ask for what next. Pure.

Every wanted id is in exactly one of four places: `small` and `large` ranges to ask for at once,
`doubts` (an answer jumped over them: ask again), `lagging` (REST is not so far yet: ask again).
Times called `now` are seconds of a monotonic clock.
"""

from collections.abc import Collection, Sequence
from random import Random
from typing import Final, NamedTuple

from lakehouse.backoff import backoff
from lakehouse.id_ranges import IdRanges, Pair
from lakehouse.trade import Trade
from producer.repair_page import PAGE_ROWS, Kind, Page, Shown, page_for, shown_by

NEVER: Final = float("inf")


class Patience(NamedTuple):
    """How long to wait before asking again, in seconds.

    Ids that answers jump over are given up after as many more requests as there are pauses:
    `hole_pauses` where the trades around them follow on each other, `withheld_pauses` where
    something seems to be left out. `unreadable_times` in a row a page with rows that can't be read
    is refused.
    """

    hole_pauses: tuple[float, ...] = (1.0, 3.0, 10.0)
    withheld_pauses: tuple[float, ...] = (1.0, 3.0, 10.0, 10.0, 10.0, 10.0)
    first_backoff: float = 0.5
    most_backoff: float = 60.0
    unreadable_times: int = 5

    def backoff(self, failures: int, rng: Random) -> float:
        """The pause after so many failures in a row: jittered, exponential."""
        return backoff(failures - 1, self.first_backoff, self.most_backoff, rng)


class _Doubt(NamedTuple):
    due: float
    asked: int
    targets: tuple[Pair, ...]


class Line:
    """One symbol's work; one page of it is under way at a time."""

    def __init__(self, symbol: str, patience: Patience, rng: Random) -> None:
        self.symbol = symbol
        self.busy = False
        self.served = 0
        self.probe_from: int | None = None
        self._patience = patience
        self._rng = rng
        self._wanted = IdRanges()
        self._small = IdRanges()
        self._large = IdRanges()
        self._doubts: list[_Doubt] = []
        self._lagging = IdRanges()
        self._lag_due = 0.0
        self._lags = 0
        self._failures = 0
        self._due = 0.0
        self._refused = (-1, 0)

    @property
    def pending(self) -> int:
        """Ranges and probes not finished."""
        return self._wanted.ranges + (self.probe_from is not None)

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do."""
        return not self._wanted and self.probe_from is None

    def want(self, lo: int, hi: int) -> None:
        """These ids are wanted; those that are already change nothing."""
        news = self._wanted.missing_between(lo, hi)
        self._wanted.update(news)
        self._ask(news)

    def next_at(self) -> float:
        """When there is something to ask for: a time that may have passed, or NEVER."""
        if self._small or self._large or self.probe_from is not None:
            return self._due
        again = [doubt.due for doubt in self._doubts]
        if self._lagging:
            again.append(self._lag_due)
        return max(self._due, min(again, default=NEVER))

    def ready(self, now: float) -> list[Kind]:
        """The kinds of pages that may be asked for now, the most urgent first."""
        if self.busy or now < self._due:
            return []
        return [kind for kind, is_ready in self._readiness(now).items() if is_ready]

    def page(self, kind: Kind) -> Page:
        """The page of a kind that is ready."""
        if kind is Kind.PROBE:
            assert self.probe_from is not None
            return Page(self.symbol, kind, self.probe_from, PAGE_ROWS)
        if kind is Kind.DOUBT:
            doubt = min(self._doubts)
            return page_for(self.symbol, kind, doubt.targets, doubt.asked)
        return page_for(self.symbol, kind, self._targets(kind))

    def learn(
        self,
        page: Page,
        trades: Sequence[Trade],
        now: float,
        unreadable: Collection[int] = (),
        rows: int = 0,
    ) -> list[Pair]:
        """Take in an answer whose trades are handed over; what has to be given up.

        `unreadable` are the ids of rows that can't be read, `rows` how many rows there were if
        not only `trades`.
        """
        if page.kind is Kind.PROBE:
            self._failures, self.probe_from = 0, None
            return []
        shown = shown_by(page, trades, unreadable, max(rows, len(trades)))
        self._drop_targets(page)
        self._heed_lag(shown, now, trades[-1].agg_id if trades else -1)
        self._ask(shown.beyond)
        hopeless = [*shown.unreadable, *self._doubt(page, shown, now)]
        for lo, hi in (*shown.here, *hopeless):
            self._wanted.remove(lo, hi)
        if any((shown.here, hopeless, shown.jumped, shown.withheld, shown.behind)):
            self._failures = 0
        else:
            self.failed(now)  # rows without an id: the same page again would be a tight loop
        return hopeless

    def failed(self, now: float) -> float:
        """A request failed: the seconds that this symbol waits now."""
        self._failures += 1
        seconds = self._patience.backoff(self._failures, self._rng)
        self._due = now + seconds
        return seconds

    def endures(self, page: Page) -> bool:
        """Whether rows that can't be read are still a reason to refuse this page once more."""
        times = self._refused[1] + 1 if self._refused[0] == page.from_id else 1
        self._refused = (page.from_id, times)
        return times < self._patience.unreadable_times

    def _readiness(self, now: float) -> dict[Kind, bool]:
        return {
            Kind.PROBE: self.probe_from is not None,
            Kind.SMALL: bool(self._small),
            Kind.DOUBT: bool(self._doubts) and min(self._doubts).due <= now,
            Kind.LAG: bool(self._lagging) and self._lag_due <= now,
            Kind.LARGE: bool(self._large),
        }

    def _targets(self, kind: Kind) -> list[Pair]:
        """The first ids of a kind, and what else is wanted within the reach of one page."""
        sets = {Kind.SMALL: self._small, Kind.LARGE: self._large, Kind.LAG: self._lagging}
        lo, hi = next(iter(sets[kind]))
        reach = lo + PAGE_ROWS - 1
        pairs = {(lo, hi)}
        for ranges in (self._small, self._large):
            pairs.update(ranges.overlapping(hi + 1, reach))
        return sorted(pairs)

    def _ask(self, pairs: Sequence[Pair]) -> None:
        for lo, hi in pairs:
            (self._small if hi - lo < PAGE_ROWS else self._large).add(lo, hi)

    def _drop_targets(self, page: Page) -> None:
        self._doubts = [doubt for doubt in self._doubts if doubt.targets != page.targets]
        for lo, hi in page.targets:
            for ranges in (self._small, self._large, self._lagging):
                ranges.remove(lo, hi)

    def _heed_lag(self, shown: Shown, now: float, top: int) -> None:
        """What REST has reached since is asked for at once; the rest a little later."""
        reached = [pair for pair in self._lagging if pair[0] <= top]
        for pair in reached:
            self._lagging.remove(*pair)
        self._ask(reached)
        self._lagging.update(shown.behind)
        if shown.behind:
            self._lags = 1 if shown.here else self._lags + 1
            self._lag_due = now + self._patience.backoff(self._lags, self._rng)

    def _doubt(self, page: Page, shown: Shown, now: float) -> list[Pair]:
        """What was jumped over is asked for again, or given up where that was done enough."""
        asked = page.asked + (page.kind is Kind.DOUBT)
        hopeless: list[Pair] = []
        for pairs, pauses in (
            (shown.jumped, self._patience.hole_pauses),
            (shown.withheld, self._patience.withheld_pauses),
        ):
            if asked >= len(pauses):
                hopeless += pairs
            elif pairs:
                self._doubts.append(_Doubt(now + pauses[asked], asked, pairs))
        return hopeless
