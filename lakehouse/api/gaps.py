"""ops_gap as the API shows it: newest first, and what is still missing. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lakehouse.api.blocks import Key
from lakehouse.api.columns import Row
from lakehouse.api.instants import of_text


@dataclass(frozen=True)
class Gaps:
    """`missing`: ids of open gaps by symbol; `open_since`: when the oldest of these was noticed."""

    rows: Sequence[Row] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    missing: Mapping[Key, int] = field(default_factory=dict)
    open_by_symbol: Mapping[Key, int] = field(default_factory=dict)
    open_since: str | None = None

    @property
    def open(self) -> int:
        """Gaps that are open."""
        return self.counts.get("open", 0)

    @property
    def missing_ids(self) -> int:
        """Trades that are missing and still sought."""
        return sum(self.missing.values())


def gaps_of(rows: Iterable[Row]) -> Gaps:
    """The view of all rows of the table."""
    ordered = sorted(rows, key=place, reverse=True)
    still = [row for row in ordered if row["status"] == "open"]
    missing: Counter[Key] = Counter()
    for row in still:
        missing[_key(row)] += ids_of(row)
    since = still[-1]["detected_at"] if still else None
    return Gaps(
        ordered,
        Counter(str(row["status"]) for row in ordered),
        missing,
        Counter(_key(row) for row in still),
        None if since is None else str(since),
    )


def ids_of(row: Row) -> int:
    """How many ids the gap has."""
    first, last = row["from_id"], row["to_id"]
    return last - first + 1 if isinstance(first, int) and isinstance(last, int) else 0


def place(row: Row) -> tuple[int, str, int, str]:
    """Where a row stands in the order of time; no two rows have one place."""
    first = row["from_id"]
    number = first if isinstance(first, int) else -1
    return of_text(row["detected_at"]), str(row["symbol"]), number, str(row["exchange"])


def _key(row: Row) -> Key:
    return Key(str(row["exchange"]), str(row["symbol"]))
