"""One request of a repair, and what its answer shows about the ids it was for. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from enum import Enum
from typing import Final, NamedTuple

from lakehouse.id_ranges import IdRanges, Pair
from lakehouse.trade import Trade

PAGE_ROWS: Final = 1000


class Kind(Enum):
    """Why a page is asked for, the most urgent first.

    DOUBT: ids that an answer jumped over. LAG: ids that REST did not have yet.
    """

    PROBE = "probe"
    SMALL = "small"
    DOUBT = "doubt"
    LAG = "lag"
    LARGE = "large"


class Page(NamedTuple):
    """A request: at most `limit` rows from `from_id` on, for the sake of the ids in `targets`.

    A probe has no targets: it takes whatever there is. `asked` says how often the targets were
    asked for again after an answer had jumped over them.
    """

    symbol: str
    kind: Kind
    from_id: int
    limit: int
    targets: tuple[Pair, ...] = ()
    asked: int = 0


class Shown(NamedTuple):
    """What an answer says of a page's targets; together they are all of them.

    `jumped`: REST has a higher id and not these, and the trades around them follow on each other.
    `withheld`: as `jumped`, but there are exchange trades between the neighbours, or one neighbour
    is unknown. `behind`: REST has nothing so high yet. `beyond`: the answer ended before.
    """

    here: tuple[Pair, ...]
    unreadable: tuple[Pair, ...]
    jumped: tuple[Pair, ...]
    withheld: tuple[Pair, ...]
    behind: tuple[Pair, ...]
    beyond: tuple[Pair, ...]


def page_for(symbol: str, kind: Kind, targets: Sequence[Pair], asked: int = 0) -> Page:
    """The request for the first targets, with one row above them, to show that REST is further.

    In doubt the row below is asked for too: what it says tells a hole from a row kept back.
    """
    from_id = max(0, targets[0][0] - (kind is Kind.DOUBT))
    wanted = min(targets[-1][1], from_id + PAGE_ROWS) - from_id + 2
    return Page(symbol, kind, from_id, min(PAGE_ROWS, max(wanted, 2)), tuple(targets), asked)


def shown_by(page: Page, trades: Sequence[Trade], unreadable: Collection[int], rows: int) -> Shown:
    """Sort a page's targets by what its answer of so many rows shows; trades ascend by id."""
    there = _ids_of(trades)
    rotten = IdRanges.from_ids(unreadable)
    known = there.union(rotten)
    top = -1 if known.last is None else known.last
    found: dict[str, list[Pair]] = {name: [] for name in Shown._fields}
    above = "beyond" if rows >= page.limit else "behind"
    for lo, hi in page.targets:
        found["here"] += there.overlapping(lo, hi)
        found["unreadable"] += rotten.overlapping(lo, hi)
        found[above] += [(max(lo, top + 1), hi)] if hi > top else []
        for hole in known.missing_between(lo, min(hi, top)):
            found["jumped" if _follow_on(trades, hole) else "withheld"].append(hole)
    return Shown(**{name: tuple(pairs) for name, pairs in found.items()})


def wanted_of(page: Page, trades: Sequence[Trade]) -> Sequence[Trade]:
    """The trades that a page was asked for; a probe takes all."""
    if page.kind is Kind.PROBE:
        return trades
    ids = [trade.agg_id for trade in trades]
    slices = (trades[bisect_left(ids, lo) : bisect_right(ids, hi)] for lo, hi in page.targets)
    return [trade for part in slices for trade in part]


def _ids_of(trades: Sequence[Trade]) -> IdRanges:
    if trades and trades[-1].agg_id - trades[0].agg_id == len(trades) - 1:
        return IdRanges([(trades[0].agg_id, trades[-1].agg_id)])
    return IdRanges.from_ids(trade.agg_id for trade in trades)


def _follow_on(trades: Sequence[Trade], hole: Pair) -> bool:
    """Whether no exchange trade is missing between the two trades around a hole.

    An aggregate trade names the first and the last of the exchange's trades in it, and they are
    numbered through. So a row that was only left out of an answer leaves a trace.
    """
    place = bisect_left(trades, hole[0], key=lambda trade: trade.agg_id)
    if not 0 < place < len(trades):
        return False
    return trades[place - 1].last_trade_id + 1 == trades[place].first_trade_id
