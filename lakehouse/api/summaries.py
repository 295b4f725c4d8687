"""ops_summary as the API shows it: newest first, and which spikes people know of. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lakehouse.api.columns import Row
from lakehouse.api.instants import HOUR_MICROS, of_text
from lakehouse.summary_outcomes import CHANNELS, handled

# Rows kept for /v1/summaries; those of spikes are kept as long as an event may come again.
MOST_ROWS: Final = 1_000
_EVENT_LIFE_MICROS: Final = 25 * HOUR_MICROS


@dataclass(frozen=True)
class Summaries:
    """`rows` newest first, whole since `rows_since` (µs; null: from the table's beginning).

    `handled`: event → summary, of the spikes that people were told of. `ids`: of all rows here.
    """

    rows: Sequence[Row] = ()
    handled: Mapping[str, str] = field(default_factory=dict)
    ids: frozenset[str] = frozenset()
    rows_since: int | None = None
    spikes_since: int = 0


def summaries_of(rows: Iterable[Row], since: int | None) -> Summaries:
    """The view of all rows that are kept, from `since` (µs since 1970 UTC) on."""
    ordered = sorted(rows, key=place, reverse=True)
    handled = {str(row["event_id"]): str(row["summary_id"]) for row in ordered if _handled(row)}
    cut = since if len(ordered) <= MOST_ROWS else _at(ordered[MOST_ROWS - 1])
    newest = _at(ordered[0]) if ordered else 0
    ids = frozenset(str(row["summary_id"]) for row in ordered)
    return Summaries(ordered[:MOST_ROWS], handled, ids, cut, newest - _EVENT_LIFE_MICROS)


def must_stay(view: Summaries, row: Row) -> bool:
    """Whether a later view needs this row: a new one, or a spike that may be told of again."""
    new = view.rows_since is None or _at(row) >= view.rows_since
    return new or (row["event_id"] is not None and _at(row) >= view.spikes_since)


def place(row: Row) -> tuple[int, str]:
    """Where a row stands in the order of time."""
    return _at(row), str(row["summary_id"])


def _handled(row: Row) -> bool:
    outcomes = {row[f"sent_{channel}"] for channel in CHANNELS}
    return row["event_id"] is not None and handled(outcomes)


def _at(row: Row) -> int:
    return of_text(row["created_at"])
