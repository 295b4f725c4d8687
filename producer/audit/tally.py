"""Counting trades as they stand in Kafka. Pure; memory grows with breaks in the ids, not trades.

Unbroken ids of one hour are a run, which is entered as one range when it ends. How often an id
came follows from the counts: what is not a new id is a duplicate.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from lakehouse.errors import UnreadableError
from lakehouse.id_ranges import IdRanges
from lakehouse.messages import QuickMessage
from producer.audit.decoding import Seen, read

HOUR_MICROS: Final = 3_600_000_000
IN_QUARANTINE: Final = "in_quarantine"
_NOTHING: Final = -(2**63)


class HourTally:
    """Records of one symbol and hour."""

    __slots__ = ("ids", "records")

    def __init__(self) -> None:
        self.records = 0
        self.ids = IdRanges()


class SymbolTally:
    """Records of one symbol over all partitions; `hours` by hours since 1970 UTC.

    `live_from`: the lowest id that opened the live trades of a partition that begins late; what
    came from REST below it may be the rest of what is gone. None: begin at the first id.
    """

    def __init__(self) -> None:
        self.records = 0
        self.ids = IdRanges()
        self.hours: dict[int, HourTally] = {}
        self.sources: Counter[str] = Counter()
        self.out_of_order = 0
        self.late_repairs = 0
        self.live_from: int | None = None

    def enter(self, hour: int, lo: int, hi: int) -> None:
        """Enter a run of ids, each of them once."""
        here = self.hours.get(hour)
        if here is None:
            here = self.hours[hour] = HourTally()
        here.records += hi - lo + 1
        here.ids.add(lo, hi)
        self.records += hi - lo + 1
        self.ids.add(lo, hi)


class _Track:
    """One symbol in one partition: its present run, and its order."""

    __slots__ = (
        "begins_late", "behind", "end", "hi", "highest", "highest_live", "hour", "ids", "lo",
        "start", "to",
    )  # fmt: skip

    def __init__(self, to: SymbolTally, begins_late: bool) -> None:
        self.to = to
        self.begins_late = begins_late
        self.ids, self.behind = IdRanges(), IdRanges()
        self.highest = self.highest_live = _NOTHING
        self.lo = self.hi = self.hour = self.start = self.end = _NOTHING

    def count(self, agg_id: int, trade_time: int) -> None:
        if agg_id == self.hi + 1 and self.start <= trade_time < self.end:
            self.hi = agg_id
            return
        self.close()
        self.lo = self.hi = agg_id
        self.hour = trade_time // HOUR_MICROS
        self.start = self.hour * HOUR_MICROS
        self.end = self.start + HOUR_MICROS

    def close(self) -> None:
        if self.end != _NOTHING:
            self.to.enter(self.hour, self.lo, self.hi)
            self.ids.add(self.lo, self.hi)
            self.end = _NOTHING

    def place(self, agg_id: int, source: str) -> None:
        if source == "ws":
            if agg_id < self.highest_live:
                # What is there already is a duplicate, counted as such; it disorders nothing new.
                if agg_id not in self.ids:
                    self.behind.add(agg_id, agg_id)
            else:
                if self.highest_live == _NOTHING and self.begins_late:
                    known = self.to.live_from
                    self.to.live_from = agg_id if known is None else min(known, agg_id)
                self.highest_live = agg_id
        elif source == "rest" and agg_id < self.highest:
            self.to.late_repairs += 1
        if agg_id > self.highest:
            self.highest = agg_id


class Tally:
    """Takes messages partition by partition; `finish`, then read the figures."""

    def __init__(self, symbols: Iterable[str] = (), begin_late: Iterable[int] = ()) -> None:
        """`symbols` to look at, none: all; `begin_late`: partitions with records gone before."""
        self.symbols: dict[tuple[str, str], SymbolTally] = {}
        self.unreadable: Counter[str] = Counter()
        self.records: Counter[int] = Counter()
        self.skipped = 0
        self._wanted = frozenset(symbols)
        self._begin_late = frozenset(begin_late)
        self._tracks: dict[int, dict[tuple[str, str], _Track]] = {}

    def add(self, partition: int, values: Iterable[bytes | None]) -> None:
        """Count messages of one partition, in their order."""
        tracks = self._tracks.setdefault(partition, {})
        counted = 0
        for value in values:
            counted += 1
            try:
                trade = read(value)
            except UnreadableError as error:
                self.unreadable[error.reason] += 1
                continue
            track = tracks.get((trade.exchange, trade.symbol))
            if track is None and (track := self._open(partition, trade)) is None:
                self.skipped += 1
                continue
            track.to.sources[trade.source] += 1
            track.count(trade.agg_id, trade.trade_time)
            track.place(trade.agg_id, trade.source)
        self.records[partition] += counted

    def add_held(self, partition: int, values: Iterable[bytes | None], stray: bool) -> None:
        """Count messages that the lake has in quarantine: they say nothing of the order.

        A stray's id is one that nobody demands: counted, it would make a hole of all before it.
        """
        for value in values:
            if stray:
                self.unreadable[IN_QUARANTINE] += 1
            else:
                self._count_held(partition, value)
            self.records[partition] += 1

    def _count_held(self, partition: int, value: bytes | None) -> None:
        try:
            trade = read(value)
        except UnreadableError as error:
            self.unreadable[error.reason] += 1
            return
        key = (trade.exchange, trade.symbol)
        track = self._tracks.setdefault(partition, {}).get(key) or self._open(partition, trade)
        if track is None:
            self.skipped += 1
            return
        track.to.sources[trade.source] += 1
        track.count(trade.agg_id, trade.trade_time)

    def finish(self) -> None:
        """Enter the runs that are still open, and what came out of order."""
        found = [track for tracks in self._tracks.values() for track in tracks.values()]
        for track in found:
            track.close()
        for track in found:
            others = [each.ids for each in found if each.to is track.to and each is not track]
            track.to.out_of_order += _in_none(track.behind, others)

    def _open(self, partition: int, trade: QuickMessage | Seen) -> _Track | None:
        if self._wanted and trade.symbol not in self._wanted:
            return None
        key = (trade.exchange, trade.symbol)
        to = self.symbols.setdefault(key, SymbolTally())
        track = self._tracks[partition][key] = _Track(to, partition in self._begin_late)
        return track


def _in_none(ids: IdRanges, others: Iterable[IdRanges]) -> int:
    """How many ids no other partition has: one sent again by a key's other rule is a duplicate."""
    rest = IdRanges(ids)
    for other in others:
        for lo, hi in ids:
            for pair in other.overlapping(lo, hi):
                rest.remove(*pair)
    return len(rest)
