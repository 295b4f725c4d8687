"""The lake opened for reading, without Spark: DuckDB over the tables that the catalog names.

Every table is a view `lake.market.<table>` on the snapshot that was the newest when the lake was
opened. Nothing here can write to a table.
"""

import gzip
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from lakehouse.catalog import table_locations
from lakehouse.duck import as_user_error, connect, use_s3
from lakehouse.errors import SettingsError
from lakehouse.settings import Settings
from lakehouse.tables import CATALOG, NAMESPACE, full_name

Params = Sequence[object] | Mapping[str, object]

_BATCH_ROWS = 20_000
_READING = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)


class Lake:
    """The tables of a lake, frozen at the moment of opening; close it, or use it in `with`.

    Raises SettingsError where there is no lake yet, UnreachableError where its catalog or its
    files don't answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._locations = table_locations(settings)
        self._spill = tempfile.TemporaryDirectory(prefix="firehose-duckdb-")
        self._con = connect(Path(self._spill.name))
        if any(address.startswith("s3") for address in self._locations.values()):
            use_s3(self._con, settings)
        self._con.execute(f"ATTACH ':memory:' AS {CATALOG}")
        self._con.execute(f"CREATE SCHEMA {CATALOG}.{NAMESPACE}")
        self._con.execute(f"SET search_path = '{CATALOG}.{NAMESPACE},memory.main'")
        self._viewed: set[str] = set()
        self._kept: set[str] = set()
        self._metadata: dict[str, dict[str, Any]] = {}

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables in `lake.market`, sorted."""
        return tuple(sorted(self._locations))

    def stream(self, sql: str, params: Params = ()) -> "Result":
        """Run one SELECT (or DESCRIBE, SHOW, EXPLAIN) and read its rows as they come.

        `params` are bound to `?` (a sequence) or `$name` (a mapping). SettingsError where the
        query can't be run or is no reading one. A stream ends when the next query begins.
        """
        try:
            self._refuse_all_but_reading(sql)
            self._view_tables_of(sql)
            return Result(self._con.execute(sql, params))
        except duckdb.Error as error:
            raise as_user_error(error) from None

    def query(self, sql: str, params: Params = ()) -> pa.Table:
        """The whole result of one SELECT as an Arrow table; else as `stream`."""
        return pa.Table.from_batches((result := self.stream(sql, params)), result.schema)

    def rows(self, sql: str, params: Params = ()) -> list[dict[str, Any]]:
        """The result as one dict per row: decimals as Decimal, times as aware datetimes."""
        found: list[dict[str, Any]] = self.query(sql, params).to_pylist()
        return found

    def keep(self, name: str, select: str, params: Params = ()) -> None:
        """Keep a SELECT's result under `memory.main.<name>` for the queries that follow."""
        try:
            self._view_tables_of(select)
            self._con.execute(f"CREATE OR REPLACE TABLE memory.main.{name} AS {select}", params)
            self._kept.add(name)
        except duckdb.Error as error:
            raise as_user_error(error) from None

    def as_of(self, name: str, table: str, snapshot_id: int | None) -> None:
        """Name `memory.main.<name>` what a table held at a snapshot; None: before the first."""
        if snapshot_id is None:
            select = f"FROM {full_name(table)} WHERE false"
        else:
            select = f"FROM iceberg_scan({self._address(table)}, snapshot_from_id => {snapshot_id})"
        try:
            self._view_tables_of(table)
            self._con.execute(f"CREATE OR REPLACE VIEW memory.main.{name} AS {select}")
            self._kept.add(name)
        except duckdb.Error as error:
            raise as_user_error(error) from None

    def metadata(self, table: str) -> dict[str, Any]:
        """The metadata file of a table, as Iceberg's specification names its fields."""
        if table not in self._metadata:  # frozen as the lake is: read once
            self._metadata[table] = self._read_metadata(table)
        return self._metadata[table]

    def _read_metadata(self, table: str) -> dict[str, Any]:
        try:
            read = f"SELECT content FROM read_blob({self._address(table)})"
            [(content,)] = self._con.execute(read).fetchall()
        except duckdb.Error as error:
            raise as_user_error(error) from None
        zipped = content.startswith(b"\x1f\x8b")  # as some catalogs write it
        found: dict[str, Any] = json.loads(gzip.decompress(content) if zipped else content)
        return found

    def close(self) -> None:
        """End the session; its spill files go with it."""
        self._con.close()
        self._spill.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def _refuse_all_but_reading(self, sql: str) -> None:
        statements = self._con.extract_statements(sql)
        if len(statements) != 1 or statements[0].type not in _READING:
            raise SettingsError(
                "One reading statement is wanted.",
                "Begin with SELECT, WITH, DESCRIBE, SHOW or EXPLAIN; the jobs alone write.",
            )

    def _view_tables_of(self, sql: str) -> None:
        # A view reads its table's metadata, so only those the query can mean are made; a query
        # that names none (SHOW ALL TABLES) gets them all.
        words = set(re.findall(r"\w+", sql.lower()))
        named = words & self._locations.keys()
        if not named and not words & self._kept:
            named = set(self._locations)
        for table in sorted(named - self._viewed):
            address = self._address(table)
            self._con.execute(f'CREATE VIEW "{table}" AS FROM iceberg_scan({address})')
            self._viewed.add(table)

    def _address(self, table: str) -> str:
        """Where the table's metadata stands, as a string of SQL."""
        return "'" + self._locations[table].replace("'", "''") + "'"


class Result:
    """The rows of one query as Arrow batches, once; `types` are DuckDB's, column by column."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self.types: tuple[str, ...] = tuple(str(column[1]) for column in cursor.description or ())
        self._reader = cursor.to_arrow_reader(_BATCH_ROWS)
        self.schema: pa.Schema = self._reader.schema

    def __iter__(self) -> "Result":
        return self

    def __next__(self) -> pa.RecordBatch:
        """The next batch; errors met while reading are told as at the start."""
        try:
            return self._reader.read_next_batch()
        except (duckdb.Error, OSError, pa.ArrowException) as error:
            raise as_user_error(error) from None
