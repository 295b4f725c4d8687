"""An independent judge: what Kafka holds against what the exchange produced.

It shares no code with the producer's own proof: plain sets of ids, plain JSON.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.chaos.exchange_process import ExchangeProcess
from tests.chaos.topic_reader import Record

Key = tuple[str, int]


@dataclass
class SymbolBooks:
    """What one symbol's messages say, in the order of their offsets."""

    seen: set[int] = field(default_factory=set)
    top: int = -1
    live_top: int = -1
    duplicates: int = 0
    # Live trades below a live one that stands before them, and ids that were jumped over with
    # the time of the message that jumped (ms UTC).
    below: list[int] = field(default_factory=list)
    jumped: list[tuple[int, int, int]] = field(default_factory=list)

    def take(self, agg_id: int, live: bool, timestamp: int) -> None:
        if agg_id in self.seen:
            self.duplicates += 1
            return
        if self.top >= 0 and agg_id > self.top + 1:
            self.jumped.append((self.top + 1, agg_id - 1, timestamp))
        if live and agg_id < self.live_top:
            self.below.append(agg_id)
        self.seen.add(agg_id)
        self.top = max(self.top, agg_id)
        self.live_top = max(self.live_top, agg_id) if live else self.live_top


@dataclass
class Verdict:
    """The figures of one judgement; `faults` says in words what must not be."""

    trades: int = 0
    missing: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    late_in_gaps: int = 0
    unexplained: int = 0
    gaps_opened: int = 0
    gaps_repaired: int = 0
    gaps_unrepairable: int = 0
    gaps_open: int = 0
    dead_letters: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def line(self) -> str:
        """The figures in one line."""
        return (
            f"{self.trades:,} trades, {self.missing} missing, {self.duplicates} duplicates, "
            f"{self.out_of_order} out of order, {self.unexplained} unexplained, gaps "
            f"{self.gaps_opened} opened / {self.gaps_repaired} repaired / "
            f"{self.gaps_unrepairable} unrepairable / {self.gaps_open} left open, "
            f"{self.dead_letters} dead letters"
        )


class Judge:
    """Takes every record once, in the order of its partition; may be asked at any time.

    `trust_times` false: the producer's clock is not to be trusted, so the order of a gap's record
    and of the jump over it is not judged.
    """

    def __init__(self, exchange: ExchangeProcess, trust_times: bool = True) -> None:
        self.exchange = exchange
        self._trust_times = trust_times
        self.books = {symbol: SymbolBooks() for symbol in exchange.order.symbols}
        self.dead_letters: list[bytes] = []
        self.sources: Counter[str] = Counter()
        self._wrong: list[str] = []
        # The newest record of each gap, and when each range was first declared open (ms UTC).
        self._gaps: dict[Key, dict[str, Any]] = {}
        self._opened: dict[str, list[tuple[int, int, int]]] = {}

    def trade(self, record: Record) -> None:
        """One message of the trades' topic."""
        message = orjson.loads(record.value)
        symbol, agg_id = message["symbol"], message["agg_id"]
        if record.key != symbol.encode() or symbol not in self.books:
            self._wrong.append(f"{symbol} {agg_id}: key {record.key!r}")
            return
        if not self._is_true(message):
            self._wrong.append(f"{symbol} {agg_id}: {message} is not the exchange's trade")
        self.sources[message["source"]] += 1
        self.books[symbol].take(agg_id, message["source"] != "rest", record.timestamp)

    def gap(self, record: Record) -> None:
        """One message of the gap topic."""
        message = orjson.loads(record.value)
        symbol, first, last = message["symbol"], message["from_id"], message["to_id"]
        if first > last or message["status"] not in ("open", "repaired", "unrepairable"):
            self._wrong.append(f"gap record {message}")
        self._opened.setdefault(symbol, []).append((first, last, record.timestamp))
        self._gaps[symbol, first] = message

    def dead_letter(self, record: Record) -> None:
        """One message of the dead letters' topic."""
        self.dead_letters.append(record.value)

    def caught_up(self, last_ids: dict[str, int]) -> bool:
        """Whether everything up to these ids is there and no gap below them is open."""
        return not self._behind(last_ids) and not self._open_gaps(last_ids)

    def verdict(self, last_ids: dict[str, int]) -> Verdict:
        """Against the exchange's last ids (or beyond, where Kafka has more already)."""
        missing = self._missing(last_ids)
        unexplained, early = self._unexplained()
        late = {s: self._in_gaps(s, books.below) for s, books in self.books.items()}
        below = sum(len(books.below) for books in self.books.values())
        states = Counter(gap["status"] for gap in self._gaps.values())
        open_ = self._open_gaps(None)
        verdict = Verdict(
            trades=sum(len(books.seen) for books in self.books.values()),
            missing=sum(len(ids) for ids in missing.values()),
            duplicates=sum(books.duplicates for books in self.books.values()),
            out_of_order=below - sum(map(len, late.values())),
            late_in_gaps=sum(map(len, late.values())),
            unexplained=sum(last - first + 1 for _, first, last in unexplained),
            gaps_opened=len(self._gaps),
            gaps_repaired=states["repaired"],
            gaps_unrepairable=states["unrepairable"],
            gaps_open=len(open_),
            dead_letters=len(self.dead_letters),
            sources=self.sources,
        )
        told = {
            "missing": {s: _short(sorted(ids)) for s, ids in missing.items() if ids},
            "out of order": {
                s: sorted(set(b.below) - late[s])[:5]
                for s, b in self.books.items()
                if set(b.below) - late[s]
            },
            "not explained by a gap record": unexplained[:5],
            "jumped over before the gap record": early[:5],
            "open gaps": open_[:5],
            "wrong records": self._wrong[:5],
        }
        verdict.faults = [f"{what}: {found}" for what, found in told.items() if found]
        return verdict

    def _is_true(self, message: dict[str, Any]) -> bool:
        first_id = self.exchange.spec.first_id
        if message["agg_id"] < first_id:
            return False
        tick = self.exchange.tick(message["symbol"], message["agg_id"])
        wanted = (
            tick.price, tick.qty, tick.first_trade_id, tick.last_trade_id,
            tick.time // 1000 * 1000, tick.is_buyer_maker,
        )  # fmt: skip
        names = ("price", "qty", "first_trade_id", "last_trade_id", "trade_time", "is_buyer_maker")
        return wanted == tuple(message[name] for name in names)

    def _missing(self, last_ids: dict[str, int]) -> dict[str, set[int]]:
        found = {}
        for symbol, books in self.books.items():
            first = min(books.seen, default=self.exchange.spec.first_id)
            last = max(books.top, last_ids.get(symbol, -1))
            found[symbol] = set(range(first, last + 1)) - books.seen
        return found

    def _behind(self, last_ids: dict[str, int]) -> bool:
        return any(
            last > books.top or len(books.seen) != books.top - min(books.seen) + 1
            for symbol, last in last_ids.items()
            for books in (self.books[symbol],)
        )

    def _open_gaps(self, below: dict[str, int] | None) -> list[Key]:
        """Open gaps; with `below`, only those that begin at these ids or before."""
        return [
            (symbol, first)
            for (symbol, first), gap in self._gaps.items()
            if gap["status"] == "open" and (below is None or first <= below.get(symbol, -1))
        ]

    def _closed(self, symbol: str) -> set[int]:
        return {
            agg_id
            for (name, first), gap in self._gaps.items()
            if name == symbol and gap["status"] != "open"
            for agg_id in range(first, gap["to_id"] + 1)
        }

    def _in_gaps(self, symbol: str, ids: list[int]) -> set[int]:
        return set(ids) & self._closed(symbol) if ids else set()

    def _unexplained(self) -> tuple[list[tuple[str, int, int]], list[tuple[str, int, int]]]:
        """Jumps outside closed gaps, and jumps that were there before their gap was declared."""
        unexplained, early = [], []
        for symbol, books in self.books.items():
            closed = self._closed(symbol) if books.jumped else set()
            for first, last, timestamp in books.jumped:
                ids = set(range(first, last + 1))
                if rest := ids - closed:
                    unexplained.append((symbol, min(rest), max(rest)))
                for start, end, opened in self._opened.get(symbol, []):
                    if opened <= timestamp:
                        ids -= set(range(start, end + 1))
                if ids and self._trust_times:
                    early.append((symbol, min(ids), max(ids)))
        return unexplained, early


def _short(ids: list[int]) -> str:
    return f"{len(ids)} ids, {ids[0]} to {ids[-1]}"
