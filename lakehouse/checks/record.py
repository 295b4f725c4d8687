"""Results in ops_audit: written from here beside Spark's commits, and recalled after a restart."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from lakehouse.checks.runner import OK, Result
from lakehouse.query import Lake
from lakehouse.settings import Settings
from lakehouse.table_append import append_rows
from lakehouse.tables import AUDIT, CHECK, full_name

# A watching service is told apart from a user's `firehose check`: only the service alerts.
SERVICE: Final = "checks-"
ON_DEMAND: Final = "check-"

_COUNTS = ("rows_in", "rows_out", "rows_duplicate", "rows_late", "dq_pass", "dq_fail")
_MOST_REASON = 2000
_RECALLED = timedelta(days=30)

_LAST = f"""
SELECT job, arg_max(status, finished_at) AS status,
       max(finished_at) AS finished_at, max(started_at) FILTER (status = 'ok') AS passed_at
FROM {full_name(AUDIT)}
WHERE starts_with(job, $check) AND starts_with(run_id, $by) AND started_at >= $since
GROUP BY job
"""


@dataclass(frozen=True)
class Last:
    """What is on record of a check: its last status and when, when it last passed (UTC)."""

    status: str
    finished_at: datetime
    passed_at: datetime | None


def record(settings: Settings, run_id: str, round_: int, results: Iterable[Result]) -> None:
    """Append one row for each result in one commit; other writers' commits are given way to.

    UnreachableError where the catalog does not take it within a minute.
    """
    rows = [_row(run_id, round_, result) for result in results]
    append_rows(settings, AUDIT, rows, "Is the catalog there? `--no-record` leaves it alone.")


def recall(lake: Lake, by: str, now: datetime) -> dict[str, Last]:
    """Of each job `check:…` the last that the writer `by` (SERVICE) has put on record."""
    if AUDIT not in lake.tables:
        return {}
    rows = lake.rows(_LAST, {"check": CHECK, "by": by, "since": now - _RECALLED})
    return {row.pop("job"): Last(**row) for row in rows}


def _row(run_id: str, round_: int, result: Result) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "query_id": run_id,
        "job": result.check.job,
        "batch_id": round_,
        "started_at": result.started_at,
        "finished_at": result.finished_at,
        **dict.fromkeys((*_COUNTS, "rows_upserted"), 0),
        "status": result.status,
        "error": None if result.status == OK else result.reason[:_MOST_REASON],
    }
