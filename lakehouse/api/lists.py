"""Pages of what is kept whole in memory, newest first: batches, gaps, summaries."""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import orjson

from lakehouse.api import audit, cursors
from lakehouse.api import gaps as gap_places
from lakehouse.api import summaries as summary_places
from lakehouse.api.columns import Row
from lakehouse.api.parameters import AuditQuery, GapsQuery, SummariesQuery
from lakehouse.api.snapshot import Snapshot
from lakehouse.api.summary_models import Summary
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


def summaries(snapshot: Snapshot, query: SummariesQuery) -> dict[str, Any]:
    """One page of /v1/summaries."""
    view = snapshot.summaries
    rows = (
        row
        for row in view.rows
        if query.kind in (None, row["kind"]) and query.event_id in (None, row["event_id"])
    )
    found, more = _page(rows, summary_places.place, query.cursor, (int, str), query.limit)
    since = instant(view.rows_since)
    return {"summaries": [_summary(row) for row in found], "since": since, "next": more}


def _summary(row: Row) -> dict[str, Any]:
    told = {name: row[name] for name in Summary.model_fields}
    return {**told, "facts": orjson.loads(str(row["facts"]))}


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
