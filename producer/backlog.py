"""All that is to be repaired, and whose turn it is. Pure.

Small gaps go before large ones, one after another among the symbols; but each fifth turn begins
with the large ones, so that a flood of small gaps does not keep a resume waiting for ever.
"""

from collections.abc import Collection, Sequence
from random import Random
from typing import Final

from lakehouse.id_ranges import Pair
from lakehouse.trade import Trade
from producer.repair_line import NEVER, Line, Patience
from producer.repair_page import Kind, Page

_FAIR_EVERY: Final = 5


class Backlog:
    """A line per symbol with work; `take` says what to ask next, then comes `learn` or `failed`.

    At most `most_large` pages of large gaps are under way, so that a small one finds a place.
    """

    def __init__(self, rng: Random, patience: Patience | None = None, most_large: int = 3) -> None:
        self._rng = rng
        self._patience = patience or Patience()
        self._most_large = most_large
        self._large = 0
        self._turns = 0
        self._lines: dict[str, Line] = {}

    @property
    def pending(self) -> int:
        """Ranges and probes not finished."""
        return sum(line.pending for line in self._lines.values())

    def want(self, symbol: str, lo: int, hi: int) -> None:
        """Fetch these ids; those that are wanted already are not fetched twice."""
        self._line(symbol).want(lo, hi)

    def probe(self, symbol: str, from_id: int) -> None:
        """Ask for whatever there is from this id on; one probe a symbol, the latest."""
        self._line(symbol).probe_from = from_id

    def take(self, now: float) -> Page | None:
        """The most urgent page that may be asked for now; it must be given back."""
        fair = (self._turns + 1) % _FAIR_EVERY == 0
        choices = [
            (order, line.served, symbol, kind)
            for symbol, line in self._lines.items()
            for order, kind in [self._best(line, now, fair)]
            if kind is not None
        ]
        if not choices:
            return None
        _, _, symbol, kind = min(choices, key=lambda choice: choice[:3])
        return self._taken(self._lines[symbol], kind)

    def next_at(self) -> float:
        """When `take` may find something: a time that may have passed, or NEVER."""
        return min(
            (line.next_at() for line in self._lines.values() if not line.busy), default=NEVER
        )

    def learn(
        self,
        page: Page,
        trades: Sequence[Trade],
        now: float,
        unreadable: Collection[int] = (),
        rows: int = 0,
    ) -> list[Pair]:
        """See Line.learn."""
        return self._lines[page.symbol].learn(page, trades, now, unreadable, rows)

    def failed(self, page: Page, now: float) -> float:
        """The request failed: the seconds that this symbol waits now."""
        return self._lines[page.symbol].failed(now)

    def endures(self, page: Page) -> bool:
        """See Line.endures."""
        return self._lines[page.symbol].endures(page)

    def give_back(self, page: Page) -> None:
        """The page is no longer under way, whatever came of it."""
        line = self._lines[page.symbol]
        line.busy = False
        self._large -= page.kind is Kind.LARGE
        if line.idle:
            del self._lines[page.symbol]

    def _line(self, symbol: str) -> Line:
        line = self._lines.get(symbol)
        if line is None:
            line = self._lines[symbol] = Line(symbol, self._patience, self._rng)
            line.served = self._turns
        return line

    def _best(self, line: Line, now: float, fair: bool) -> tuple[int, Kind | None]:
        """A line's most urgent kind, and how urgent that is (0: first)."""
        kinds = line.ready(now)
        if self._large >= self._most_large:
            kinds = [kind for kind in kinds if kind is not Kind.LARGE]
        if not kinds:
            return 0, None
        kind = kinds[-1 if fair else 0]
        return int((kind is Kind.LARGE) is not fair), kind

    def _taken(self, line: Line, kind: Kind) -> Page:
        self._turns += 1
        line.served = self._turns
        line.busy = True
        self._large += kind is Kind.LARGE
        return line.page(kind)
