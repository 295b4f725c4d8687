"""Pages of what is kept whole in memory, newest first: batches and gaps."""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from lakehouse.api import audit, cursors
from lakehouse.api import gaps as gap_places
from lakehouse.api.columns import Row
from lakehouse.api.parameters import AuditQuery, GapsQuery
from lakehouse.api.snapshot import Snapshot
from lakehouse.api.views import batch, gap, instant

Place: TypeAlias = tuple[int | str, ...]


def batches(snapshot: Snapshot, query: AuditQuery) -> dict[str, Any]:
    """One page of /v1/audit."""
    rows = (
        row
        for row in snapshot.audit.rows
        if query.job in (None, row["job"]) and query.status in (None, row["status"])
    )
    found, more = _page(rows, audit.place, query.cursor, (int, str, int, str, str), query.limit)
    since = instant(snapshot.audit.rows_since)
    return {"batches": [batch(row) for row in found], "since": since, "next": more}


def gaps(snapshot: Snapshot, query: GapsQuery) -> dict[str, Any]:
    """One page of /v1/gaps."""
    rows = (
        row
        for row in snapshot.gaps.rows
        if query.symbol in (None, row["symbol"]) and query.status in (None, row["status"])
    )
    found, more = _page(rows, gap_places.place, query.cursor, (int, str, int, str), query.limit)
    counts = dict(snapshot.gaps.counts)
    return {"gaps": [gap(row) for row in found], "counts": counts, "next": more}


def _page(
    rows: Iterable[Row],
    place: Callable[[Row], Place],
    cursor: str | None,
    kinds: tuple[type, ...],
    limit: int,
) -> tuple[list[Row], str | None]:
    """The rows behind the cursor, and the cursor of the next page; `rows` by place, descending."""
    behind = None if cursor is None else cursors.decode(cursor, *kinds)
    found: list[Row] = []
    for row in rows:
        if behind is not None and place(row) >= behind:
            continue
        if len(found) == limit:
            return found, cursors.encode(*place(found[-1]))
        found.append(row)
    return found, None
