"""From counts to findings: missing ids, and what the gap topic knows of them. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from lakehouse.errors import UnreadableError
from lakehouse.gaps import GapMessage, read_gap
from lakehouse.id_ranges import IdRanges
from lakehouse.kafka_audit import GapRecord, GapTopic, KafkaSymbol
from lakehouse.layers import MOST_LISTED, Gap, Hour
from producer.audit.tally import SymbolTally

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Key = tuple[str, str]


def gap_topic(newest: Iterable[bytes]) -> GapTopic:
    """The gap topic's newest values by status, in order of symbol and id."""
    found: dict[str, list[GapRecord]] = defaultdict(list)
    unreadable = 0
    for value in newest:
        try:
            message = read_gap(value)
        except UnreadableError:
            unreadable += 1
            continue
        found[message.status].append(_record(message))
    by_status = {
        status: tuple(sorted(records, key=lambda gap: (gap.exchange, gap.symbol, gap.from_id)))
        for status, records in found.items()
    }
    return GapTopic(**by_status, unreadable=unreadable)


class Findings:
    """Symbols, hours and gaps of a finished tally."""

    def __init__(self, tallies: Mapping[Key, SymbolTally], known: GapTopic) -> None:
        self.symbols: list[KafkaSymbol] = []
        self.hours: list[Hour] = []
        self.gaps: list[Gap] = []
        self._absent = _ranges(known.unrepairable)
        self._known = _ranges((*known.unrepairable, *known.open))
        self._reasons = {(gap.exchange, gap.symbol, gap.from_id): gap for gap in known.unrepairable}
        for key in sorted(tallies):
            self._add(key, tallies[key])
        self.gaps = self.gaps[:MOST_LISTED]

    def _add(self, key: Key, tally: SymbolTally) -> None:
        first, last = tally.ids.first, tally.ids.last
        if first is None or last is None:
            return
        first = first if tally.live_from is None else max(first, tally.live_from)
        gaps = self._gaps_of(key, tally, tally.ids.missing_between(first, last))
        self.gaps += gaps[:MOST_LISTED]
        recorded = sum(_overlap(self._known[key], gap.from_id, gap.to_id) for gap in gaps)
        missing = sum(gap.ids for gap in gaps)
        self.symbols.append(
            KafkaSymbol(
                *key,
                first_id=first,
                last_id=last,
                trades=tally.records,
                missing=missing,
                duplicates=tally.records - tally.ids.count,
                gaps=len(gaps),
                unrepairable=sum(gap.unrepairable for gap in gaps),
                out_of_order=tally.out_of_order,
                late_repairs=tally.late_repairs,
                unrecorded=missing - recorded,
                sources=dict(sorted(tally.sources.items())),
            )
        )
        self.hours += _hours(key, tally, gaps)

    def _gaps_of(
        self, key: Key, tally: SymbolTally, pieces: Iterable[tuple[int, int]]
    ) -> list[Gap]:
        # An id before a gap ends a range, in its symbol and so in its hour as well.
        hour_of = {hi: hour for hour, there in tally.hours.items() for _, hi in there.ids}
        return [
            Gap(
                *key,
                from_id=lo,
                to_id=hi,
                hour=moment(hour_of[lo - 1]),
                unrepairable=_overlap(self._absent[key], lo, hi),
                reason=self._reason(key, lo, hi),
            )
            for lo, hi in pieces
        ]

    def _reason(self, key: Key, lo: int, hi: int) -> str:
        for left, _ in self._absent[key].overlapping(lo, hi):
            found = self._reasons.get((*key, left))
            return found.reason if found else "unrepairable"
        return ""


def moment(hour: int) -> datetime | None:
    """The first instant of an hour since 1970; None where no calendar has it."""
    try:
        return _EPOCH + timedelta(hours=hour)
    except OverflowError:
        return None


def _hours(key: Key, tally: SymbolTally, gaps: Iterable[Gap]) -> list[Hour]:
    missing: dict[datetime | None, int] = defaultdict(int)
    absent: dict[datetime | None, int] = defaultdict(int)
    for gap in gaps:
        missing[gap.hour] += gap.ids
        absent[gap.hour] += gap.unrepairable
    found = []
    for number, there in sorted(tally.hours.items()):
        hour, first, last = moment(number), there.ids.first, there.ids.last
        assert first is not None and last is not None  # an hour begins with a run
        counts = (there.records, missing[hour], there.records - there.ids.count, absent[hour])
        found.append(Hour(*key, hour, first, last, *counts))
    return found


def _ranges(records: Iterable[GapRecord]) -> defaultdict[Key, IdRanges]:
    found: defaultdict[Key, IdRanges] = defaultdict(IdRanges)
    for gap in records:
        if gap.from_id <= gap.to_id:
            found[gap.exchange, gap.symbol].add(gap.from_id, gap.to_id)
    return found


def _overlap(ranges: IdRanges, lo: int, hi: int) -> int:
    return sum(right - left + 1 for left, right in ranges.overlapping(lo, hi))


def _record(message: GapMessage) -> GapRecord:
    fields = message.model_dump(include=set(GapRecord.__dataclass_fields__))
    return GapRecord(**fields)
