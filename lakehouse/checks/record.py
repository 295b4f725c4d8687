"""Results in ops_audit: written from here beside Spark's commits, and recalled after a restart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import stamina

from lakehouse.catalog import rest_catalog
from lakehouse.checks.runner import OK, Result
from lakehouse.errors import UnreachableError
from lakehouse.query import Lake
from lakehouse.settings import Settings
from lakehouse.tables import AUDIT, CATALOG, NAMESPACE, full_name

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.partitioning import PartitionKey
    from pyiceberg.table import Table

# A watching service is told apart from a user's `firehose check`: only the service alerts.
SERVICE: Final = "checks-"
ON_DEMAND: Final = "check-"

_COUNTS = ("rows_in", "rows_out", "rows_duplicate", "rows_late", "dq_pass", "dq_fail")
_MOST_REASON = 2000
_RECALLED = timedelta(days=30)
_ATTEMPTS, _PATIENCE_SECONDS = 12, 60.0
_DAY_SECONDS = 86_400

_LAST = f"""
SELECT job, arg_max(status, finished_at) AS status,
       max(finished_at) AS finished_at, max(started_at) FILTER (status = 'ok') AS passed_at
FROM {full_name(AUDIT)}
WHERE starts_with(job, 'check:') AND starts_with(run_id, $by) AND started_at >= $since
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
    if not rows:
        return
    catalog = _catalog(settings)
    try:
        _append_patiently(catalog, rows)
    except Exception as error:
        if not _is_passing(error) and type(error).__name__ != "CommitStateUnknownException":
            raise
        raise UnreachableError(
            f"The results could not be put on record: {type(error).__name__}.",
            "Is the catalog there? `--no-record` leaves ops_audit alone.",
        ) from None


def recall(lake: Lake, by: str, now: datetime) -> dict[str, Last]:
    """Of each job `check:…` the last that the writer `by` (SERVICE) has put on record."""
    if AUDIT not in lake.tables:
        return {}
    rows = lake.rows(_LAST, {"by": by, "since": now - _RECALLED})
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


def _catalog(settings: Settings) -> "Catalog":
    if settings.lake_catalog_type == "rest":
        return rest_catalog(settings)
    from pyiceberg.catalog.sql import SqlCatalog

    settings.require_sqlite_catalog()
    # The tables of the catalog are Spark's to make.
    uri = f"sqlite:///{settings.catalog_db}"
    return SqlCatalog(CATALOG, uri=uri, warehouse=settings.warehouse, init_catalog_tables="false")


def _is_passing(error: Exception) -> bool:
    """Whether a new attempt may succeed: another writer was quicker, or the catalog was busy."""
    from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException, RESTError
    from sqlalchemy.exc import OperationalError

    if isinstance(error, CommitStateUnknownException):
        return False  # the rows may be there: written again, they would be there twice
    return isinstance(error, CommitFailedException | OperationalError | RESTError | OSError)


@stamina.retry(on=_is_passing, attempts=_ATTEMPTS, timeout=_PATIENCE_SECONDS)
def _append_patiently(catalog: "Catalog", rows: Sequence[dict[str, Any]]) -> None:
    import pyarrow as pa

    table = catalog.load_table(f"{NAMESPACE}.{AUDIT}")
    schema = table.schema().as_arrow()
    full = [{name: row.get(name) for name in schema.names} for row in rows]
    _append(table, pa.Table.from_pylist(full, schema=schema))


def _append(table: "Table", rows: "pa.Table") -> None:
    """As `Table.append`, which needs a further library for a partition by day (pyiceberg 0.12)."""
    from pyiceberg.io.pyarrow import write_file
    from pyiceberg.table import WriteTask

    with table.transaction() as change, change.update_snapshot().fast_append() as append:
        tasks = (
            WriteTask(append.commit_uuid, number, table.schema(), part.to_batches(), None, key)
            for number, (part, key) in enumerate(_by_day(table, rows))
        )
        for file in write_file(table.io, table.metadata, tasks):
            append.append_data_file(file)


def _by_day(table: "Table", rows: "pa.Table") -> list[tuple["pa.Table", "PartitionKey | None"]]:
    """The rows by the day that they started: what ops_audit is partitioned by."""
    from pyiceberg.partitioning import PartitionFieldValue, PartitionKey

    spec, schema = table.spec(), table.schema()
    if not spec.fields:
        return [(rows, None)]
    [field] = spec.fields
    days = [int(at.timestamp()) // _DAY_SECONDS for at in rows.column("started_at").to_pylist()]
    return [
        (
            rows.filter([day == each for each in days]),
            PartitionKey([PartitionFieldValue(field, day)], spec, schema),
        )
        for day in sorted(set(days))
    ]
