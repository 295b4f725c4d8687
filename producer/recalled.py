"""What Kafka knows of an earlier run, put together. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lakehouse.exchanges.binance import EXCHANGE
from lakehouse.gaps import GapMessage, PositionMessage
from lakehouse.id_ranges import IdRanges, Pair


@dataclass(frozen=True)
class Known:
    """One symbol: Kafka has all from `first_id` to `last_id`, but for the holes.

    Beyond `last_id` nothing was let through, but gaps may be on record there: `ahead` are open
    ones, `absent` are ids that the exchange has not.
    """

    first_id: int
    last_id: int
    holes: list[Pair]
    ahead: list[Pair] = field(default_factory=list)
    absent: list[Pair] = field(default_factory=list)


@dataclass(frozen=True)
class Recalled:
    """What a start resumes from. `offsets`: partition → end of the trades' topic, as looked at.

    `unrecorded` are those of `open_gaps` that the gap topic does not hold as they are.
    """

    symbols: Mapping[str, Known] = field(default_factory=dict)
    open_gaps: list[GapMessage] = field(default_factory=list)
    unrecorded: list[GapMessage] = field(default_factory=list)
    offsets: Mapping[int, int] = field(default_factory=dict)
    tail: Mapping[str, IdRanges] = field(default_factory=dict)

    def there(self, symbol: str) -> IdRanges:
        """The ids of a symbol that were found behind the position."""
        return self.tail.get(symbol, IdRanges())


def combine(
    position: PositionMessage | None,
    tail: Mapping[str, IdRanges],
    gaps: Sequence[GapMessage],
    offsets: Mapping[int, int],
    now: int,
) -> Recalled:
    """What position, tail of the topic and gaps on record say together; `now` in µs UTC.

    An id that none of them knows (the gap topic was lost) becomes a gap of its own.
    """
    firsts = position.first_ids if position else {}
    lasts = position.last_ids if position else {}
    recalled = Recalled({}, [], [], offsets, tail)
    symbols: dict[str, Known] = {}
    by_symbol: dict[str, list[GapMessage]] = {}
    for gap in gaps:
        by_symbol.setdefault(gap.symbol, []).append(gap)
    by_symbol = {symbol: _disjoint(on_record) for symbol, on_record in by_symbol.items()}
    for symbol in sorted({*lasts, *tail}):
        covered = _covered(firsts.get(symbol), lasts.get(symbol), recalled.there(symbol))
        symbols[symbol], open_gaps = _judge(symbol, covered, recalled, by_symbol, now)
        recalled.open_gaps.extend(open_gaps)
    recorded = {gap.key: gap for gap in gaps}
    news = [gap for gap in recalled.open_gaps if recorded.get(gap.key) != gap]
    return Recalled(symbols, recalled.open_gaps, news, offsets, tail)


def _disjoint(on_record: list[GapMessage]) -> list[GapMessage]:
    """The records without overlaps: of a kill amid the records of a gap's parts.

    The part with the gap's own key is written last, so whatever begins inside an open gap is
    newer than its record.
    """
    found: list[GapMessage] = []
    above = IdRanges()
    for gap in sorted(on_record, key=lambda gap: gap.from_id, reverse=True):
        pieces = above.missing_between(gap.from_id, gap.to_id) if gap.status == "open" else None
        if pieces is None or pieces == [(gap.from_id, gap.to_id)]:
            found.append(gap)
        else:
            found += [gap.model_copy(update={"from_id": lo, "to_id": hi}) for lo, hi in pieces]
        above.add(gap.from_id, gap.to_id)
    return found[::-1]


def _covered(first: int | None, last: int | None, tail: IdRanges) -> IdRanges:
    """What is there, or in a gap on record."""
    if first is None or last is None:
        return tail
    # What stands below is of another time, as when old recordings were played into the topic.
    covered = IdRanges(tail.overlapping(first, max(first, tail.last or first)))
    if first <= last:
        covered.add(first, last)
    return covered


def _judge(
    symbol: str,
    covered: IdRanges,
    recalled: Recalled,
    by_symbol: Mapping[str, list[GapMessage]],
    now: int,
) -> tuple[Known, list[GapMessage]]:
    first, last = covered.first, covered.last
    assert first is not None and last is not None
    on_record = by_symbol.get(symbol, [])
    explained = covered.union((gap.from_id, gap.to_id) for gap in on_record)
    news = [_gap(symbol, lo, hi, now) for lo, hi in explained.missing_between(first, last)]
    open_gaps = [gap for gap in on_record if gap.status == "open"] + news
    there = recalled.there(symbol)
    holes = IdRanges(
        pair
        for gap in open_gaps
        if gap.from_id <= last
        for pair in there.missing_between(gap.from_id, min(gap.to_id, last))
    )
    ahead = _beyond(last, open_gaps)
    absent = _beyond(last, [gap for gap in on_record if gap.status == "unrepairable"])
    return Known(first, last, list(holes), ahead, absent), open_gaps


def _beyond(last: int, gaps: Iterable[GapMessage]) -> list[Pair]:
    return list(
        IdRanges((max(gap.from_id, last + 1), gap.to_id) for gap in gaps if gap.to_id > last)
    )


def _gap(symbol: str, lo: int, hi: int, now: int) -> GapMessage:
    return GapMessage(
        exchange=EXCHANGE, symbol=symbol, from_id=lo, to_id=hi, status="open", detected_at=now,
        reason="found at a start",
    )  # fmt: skip
