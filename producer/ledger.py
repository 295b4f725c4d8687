"""The account of gaps: each is open until Kafka has acknowledged its ids or they don't exist. Pure.

What changes goes to the gap topic through `outgoing`, in order. A gap whose parts end differently
becomes several records that cover the same ids.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from lakehouse.exchanges.binance import EXCHANGE
from lakehouse.gaps import GapMessage, GapStatus
from lakehouse.id_ranges import IdRanges, Pair
from lakehouse.trade import Trade
from producer.sequencer import Gap

NO_SUCH_IDS: Final = "the exchange has no such ids"
# Recording the progress of a gap in so many pieces would cost more than it saves.
MOST_PIECES: Final = 1000

Then = Callable[[], None]


class Entry:
    """An open gap: what of it was acknowledged, or is not to be had."""

    __slots__ = ("absent", "acknowledged", "detected_at", "from_id", "reason", "sources", "symbol",
                 "to_id")  # fmt: skip

    def __init__(self, gap: Gap, detected_at: int, reason: str) -> None:
        self.symbol, self.from_id, self.to_id = gap
        self.detected_at = detected_at
        self.reason = reason
        self.acknowledged = IdRanges()
        self.absent = IdRanges()
        self.sources: set[str] = set()

    @property
    def left(self) -> list[Pair]:
        """The ids that Kafka has not acknowledged and that may exist."""
        done = self.acknowledged.union(self.absent)
        return done.missing_between(self.from_id, self.to_id)

    def message(self, lo: int, hi: int, status: GapStatus, now: int) -> GapMessage:
        """The record of a part of this gap; `now` in µs UTC."""
        repaired = status == "repaired"
        return GapMessage(
            exchange=EXCHANGE, symbol=self.symbol, from_id=lo, to_id=hi, status=status,
            detected_at=self.detected_at, repaired_at=None if status == "open" else now,
            repaired_from="+".join(sorted(self.sources)) or "kafka" if repaired else None,
            reason=NO_SUCH_IDS if status == "unrepairable" else "" if repaired else self.reason,
        )  # fmt: skip


class Outgoing(NamedTuple):
    """A record for the gap topic, and what to do when it is there."""

    message: GapMessage
    then: Then


class Ledger:
    """All open gaps of all symbols. Times are microseconds since 1970-01-01 UTC."""

    def __init__(self, clock: Callable[[], int]) -> None:
        """`clock` gives the time."""
        self.outgoing: deque[Outgoing] = deque()
        self.opened = self.repaired = self.unrepairable = 0
        self._clock = clock
        self._records = 0
        self._unsafe: set[int] = set()
        self._entries: dict[str, list[Entry]] = {}

    def open(self, gap: Gap, reason: str, then: Then) -> None:
        """A gap was found; `then` is called when its record is safe in Kafka."""
        entry = Entry(gap, self._clock(), reason)
        self._insert(entry)
        self.opened += 1
        self._write(entry.message(gap.from_id, gap.to_id, "open", 0), then)

    def restore(self, message: GapMessage, there: IdRanges) -> None:
        """A gap that Kafka knows as open; `there` are ids that were found in Kafka since."""
        gap = Gap(message.symbol, message.from_id, message.to_id)
        entry = Entry(gap, message.detected_at, message.reason)
        entry.acknowledged.update(there.overlapping(message.from_id, message.to_id))
        self._insert(entry)
        self._close_if_done(entry)

    def record(self, message: GapMessage) -> None:
        """Write down a gap that was found at a start and is not on record."""
        self._write(message, _nothing)

    def sent(self, trade: Trade) -> Then | None:
        """What to call when Kafka acknowledges this trade; None if it is in no open gap."""
        if self._find(trade.symbol, trade.agg_id) is None:
            return None
        return partial(self._acknowledged, trade.symbol, trade.agg_id, trade.source)

    def absent(self, symbol: str, from_id: int, to_id: int) -> None:
        """The exchange has no such ids."""
        for entry in list(self._entries.get(symbol, ())):
            lo, hi = max(from_id, entry.from_id), min(to_id, entry.to_id)
            if lo <= hi:
                entry.absent.add(lo, hi)
                self._close_if_done(entry)

    def checkpoint(self) -> int:
        """Record how far the repairs have come, so that a restart begins there.

        Returns a mark; see `safe`.
        """
        for entry in [entry for entries in self._entries.values() for entry in entries]:
            if 0 < entry.acknowledged.ranges + entry.absent.ranges <= MOST_PIECES:
                self._settle(entry)
        return self._records

    def safe(self, mark: int) -> bool:
        """Whether Kafka has all records up to this mark."""
        return all(number > mark for number in self._unsafe)

    def entries(self) -> list[Entry]:
        """The open gaps, by symbol and id."""
        return [entry for symbol in sorted(self._entries) for entry in self._entries[symbol]]

    def concerns(self, symbol: str) -> bool:
        """Whether the symbol has an open gap."""
        return symbol in self._entries

    @property
    def open_gaps(self) -> int:
        """How many gaps are open."""
        return sum(map(len, self._entries.values()))

    def _write(self, message: GapMessage, then: Then) -> None:
        self._records += 1
        self._unsafe.add(self._records)
        self.outgoing.append(Outgoing(message, partial(self._written, self._records, then)))

    def _written(self, number: int, then: Then) -> None:
        self._unsafe.discard(number)
        then()

    def _acknowledged(self, symbol: str, agg_id: int, source: str) -> None:
        # Looked for anew: what it was in when it was sent may have been split or closed since.
        entry = self._find(symbol, agg_id)
        if entry is None:
            return
        entry.acknowledged.add(agg_id, agg_id)
        entry.sources.add(source)
        self._close_if_done(entry)

    def _close_if_done(self, entry: Entry) -> None:
        if entry.acknowledged.count + entry.absent.count >= entry.to_id - entry.from_id + 1:
            self._settle(entry)

    def _settle(self, entry: Entry) -> None:
        """Replace an entry by records of its parts; what is left of it stays open."""
        now, left = self._clock(), entry.left
        absent = [
            pair for lo, hi in entry.absent for pair in entry.acknowledged.missing_between(lo, hi)
        ]
        self.repaired += entry.acknowledged.ranges
        self.unrepairable += len(absent)
        parts: list[tuple[Pair, GapStatus]] = [
            *((pair, "repaired") for pair in entry.acknowledged),
            *((pair, "unrepairable") for pair in absent),
            *((pair, "open") for pair in left),
        ]
        # The part that takes the old record's key goes last: until then the old one covers all.
        for (lo, hi), status in sorted(parts, reverse=True):
            self._write(entry.message(lo, hi, status, now), _nothing)
        self._remove(entry)
        for lo, hi in left:
            rest = Entry(Gap(entry.symbol, lo, hi), entry.detected_at, entry.reason)
            rest.sources = set(entry.sources)
            self._insert(rest)

    def _find(self, symbol: str, agg_id: int) -> Entry | None:
        entries = self._entries.get(symbol, [])
        place = bisect_right(entries, agg_id, key=_from_id) - 1
        return entries[place] if place >= 0 and agg_id <= entries[place].to_id else None

    def _insert(self, entry: Entry) -> None:
        entries = self._entries.setdefault(entry.symbol, [])
        entries.insert(bisect_right(entries, entry.from_id, key=_from_id), entry)

    def _remove(self, entry: Entry) -> None:
        entries = self._entries[entry.symbol]
        entries.remove(entry)
        if not entries:
            del self._entries[entry.symbol]


def _from_id(entry: Entry) -> int:
    return entry.from_id


def _nothing() -> None:
    """Nobody waits for this record."""
