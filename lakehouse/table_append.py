"""Rows that this package itself puts into a table of operations, beside Spark's commits."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import stamina

from lakehouse import lake_refusals
from lakehouse.catalog import rest_catalog
from lakehouse.errors import SettingsError, UnreachableError
from lakehouse.settings import Settings
from lakehouse.tables import CATALOG, NAMESPACE, full_name

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.partitioning import PartitionKey
    from pyiceberg.table import Table

Row = Mapping[str, Any]

_ATTEMPTS, _PATIENCE_SECONDS = 12, 60.0
_DAY_SECONDS = 86_400


def append_rows(settings: Settings, table: str, rows: Sequence[Row], hint: str = "") -> None:
    """Append rows in one commit; other writers' commits are given way to.

    Columns that a row leaves out are null. UnreachableError (with `hint` as the way out) where the
    catalog does not take it within a minute, SettingsError where the lake has no such table yet.
    """
    from pyiceberg.exceptions import NoSuchTableError

    if not rows:
        return
    try:
        _append_patiently(_catalog(settings), table, rows)
    except NoSuchTableError:
        raise SettingsError(
            f"The lake has no table {full_name(table)} yet.",
            "It is made at the next start of `firehose run`.",
        ) from None
    except Exception as error:
        if (refusal := lake_refusals.refused(error)) is not None:
            raise refusal from None
        if not _is_passing(error) and not _is_unknown(error):
            raise
        raise UnreachableError(
            f"Rows could not be put into {full_name(table)}: {type(error).__name__}.",
            hint or "Is the catalog there?",
        ) from None


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
    from pyiceberg.exceptions import CommitFailedException, RESTError
    from sqlalchemy.exc import OperationalError

    if lake_refusals.refused(error) is not None:
        return False
    if _is_unknown(error):
        return False  # the rows may be there: written again, they would be there twice
    return isinstance(error, CommitFailedException | OperationalError | RESTError | OSError)


def _is_unknown(error: Exception) -> bool:
    from pyiceberg.exceptions import CommitStateUnknownException

    return isinstance(error, CommitStateUnknownException)


def _append_patiently(catalog: "Catalog", table: str, rows: Sequence[Row]) -> None:
    import pyarrow as pa

    # Without arguments: stamina would put the rows into its log.
    @stamina.retry(on=_is_passing, attempts=_ATTEMPTS, timeout=_PATIENCE_SECONDS)
    def try_once() -> None:
        loaded = catalog.load_table(f"{NAMESPACE}.{table}")
        schema = loaded.schema().as_arrow()
        full = [{name: row.get(name) for name in schema.names} for row in rows]
        _append(loaded, pa.Table.from_pylist(full, schema=schema))

    try_once()


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
    """The rows by the day that a table of operations is partitioned by; all of them where none."""
    from pyiceberg.partitioning import PartitionFieldValue, PartitionKey

    spec, schema = table.spec(), table.schema()
    if not spec.fields:
        return [(rows, None)]
    [field] = spec.fields
    column = rows.column(schema.find_column_name(field.source_id))
    days = [int(at.timestamp()) // _DAY_SECONDS for at in column.to_pylist()]
    return [
        (
            rows.filter([day == each for each in days]),
            PartitionKey([PartitionFieldValue(field, day)], spec, schema),
        )
        for day in sorted(set(days))
    ]
