"""ops_audit as the API shows it: the newest batches, each job's last, what failed. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lakehouse.api.columns import Row
from lakehouse.api.instants import HOUR_MICROS, of_text

# Batches kept for /v1/audit; those that failed are kept for as long as the store reaches back.
MOST_ROWS: Final = 5_000


@dataclass(frozen=True)
class Job:
    """One job's newest batch, whatever became of it, and its newest one that had rows."""

    name: str
    last: Row
    last_with_rows: Row | None
    failed: int
    worst_lag_ms_1h: int | None


@dataclass(frozen=True)
class Audit:
    """`rows` newest first, all since `rows_since`; failures are counted since `failed_since` (µs).

    A null `…_since`: from the beginning of the table.
    """

    rows: Sequence[Row] = ()
    jobs: Mapping[str, Job] = field(default_factory=dict)
    rows_since: int | None = None
    failed_since: int | None = None

    @property
    def failed(self) -> int:
        """Batches that failed, of all jobs."""
        return sum(job.failed for job in self.jobs.values())


def audit_of(rows: Iterable[Row], since: int | None) -> Audit:
    """The view of all rows from `since` (µs since 1970 UTC) on."""
    ordered = sorted(rows, key=place, reverse=True)
    by_job: dict[str, list[Row]] = {}
    for row in ordered:
        by_job.setdefault(str(row["job"]), []).append(row)
    cut = since if len(ordered) <= MOST_ROWS else _finished(ordered[MOST_ROWS - 1])
    jobs = {name: _job(name, found) for name, found in sorted(by_job.items())}
    return Audit(ordered[:MOST_ROWS], jobs, cut, since)


def must_stay(audit: Audit, row: Row) -> bool:
    """Whether a later view needs this row: a new one, a failed one, or the last with rows."""
    job = audit.jobs[str(row["job"])]
    new = audit.rows_since is None or _finished(row) >= audit.rows_since
    return new or row["status"] != "ok" or row is job.last or row is job.last_with_rows


def place(row: Row) -> tuple[int, str, int, str, str]:
    """Where a row stands in the order of time; no two rows have one place."""
    number = row["batch_id"]
    rest = str(row["query_id"] or ""), str(row["run_id"] or "")
    return _finished(row), str(row["job"]), number if isinstance(number, int) else -1, *rest


def _job(name: str, rows: Sequence[Row]) -> Job:
    """`rows` newest first."""
    recent = _finished(rows[0]) - HOUR_MICROS
    lags = [row["max_lag_ms"] for row in rows if _finished(row) > recent]
    return Job(
        name,
        rows[0],
        next((row for row in rows if row["status"] == "ok" and row["rows_in"]), None),
        sum(row["status"] != "ok" for row in rows),
        max((lag for lag in lags if isinstance(lag, int)), default=None),
    )


def _finished(row: Row) -> int:
    return of_text(row["finished_at"] or row["started_at"])
