"""Which minutes of Gold a batch of trades touches. Pure: minutes are counted since 1970 UTC."""

from collections.abc import Iterable
from dataclasses import dataclass

from lakehouse.id_ranges import IdRanges

# How far the windows of sql/crypto_gold_minute/features.sql look back.
LOOKBACK_MINUTES = 60

Pairs = tuple[tuple[int, int], ...]
# More ranges than this would make a condition that costs more to plan than it saves.
_MOST_RANGES = 48
# A close makes the return of a minute up to an hour later, and that return judges spikes for
# another hour.
REACH_MINUTES = 2 * LOOKBACK_MINUTES


@dataclass(frozen=True)
class Plan:
    """Closed ranges of minutes: those to count anew from Silver, those whose rows may change,
    and those that must be read for the windows of the rows that may change."""

    recount: Pairs
    rewrite: Pairs
    context: Pairs


def plan(touched: Iterable[int], finalised: Iterable[int]) -> Plan:
    """The work for a batch whose trades fall into `touched`, while `finalised` became final."""
    recount = few(IdRanges((minute, minute) for minute in touched).pairs)
    changing = IdRanges((lo, hi + REACH_MINUTES) for lo, hi in recount)
    changing.update((minute, minute) for minute in finalised)
    rewrite = few(changing.pairs)
    reach = IdRanges((lo - REACH_MINUTES, hi) for lo, hi in rewrite)
    return Plan(recount, rewrite, few(reach.pairs))


def few(pairs: Iterable[tuple[int, int]], most: int = _MOST_RANGES) -> Pairs:
    """The same ranges, the nearest neighbours joined until at most `most` are left."""
    ranges = sorted(pairs)
    gaps = sorted(
        range(1, len(ranges)), key=lambda i: ranges[i][0] - ranges[i - 1][1], reverse=True
    )
    cuts = sorted(gaps[: most - 1])
    starts, ends = [0, *cuts], [*cuts, len(ranges)]
    return tuple(
        (ranges[start][0], ranges[end - 1][1])
        for start, end in zip(starts, ends, strict=True)
        if end > start
    )
