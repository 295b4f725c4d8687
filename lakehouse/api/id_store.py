"""Which ids each hour of Silver has, in a DuckDB session of its own with bounded memory."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import duckdb
import pyarrow as pa

from lakehouse.api import id_sql
from lakehouse.api.columns import Row
from lakehouse.duck import connect, use_s3
from lakehouse.settings import Settings

# Beyond this DuckDB spills to disk; one thread, as the API answers beside it.
MEMORY: Final = "256MB"
_GAPS: Final = pa.schema(
    {name: pa.string() for name in ("exchange", "symbol", "status")}
    | {name: pa.int64() for name in ("from_id", "to_id")}
)


class HourIds(NamedTuple):
    """One symbol's ids of one hour; `hour` in µs since 1970 UTC. docs/api.md defines the rest."""

    exchange: str
    symbol: str
    hour: int
    first_id: int
    last_id: int
    expected: int
    present: int
    missing: int
    open: int
    unrepairable: int
    unexplained: int
    duplicates: int


class IdStore:
    """For one thread. Every change is a transaction: what fails leaves the store as it was.

    Raises what DuckDB raises where files can't be read or memory and disk are not enough.
    """

    def __init__(self, settings: Settings) -> None:
        self._spill = tempfile.TemporaryDirectory(prefix="firehose-hours-")
        self._con = connect(Path(self._spill.name))
        self._con.execute(f"SET threads = 1; SET memory_limit = '{MEMORY}'")
        if settings.warehouse.startswith("s3"):
            use_s3(self._con, settings)
        self._con.execute(id_sql.TABLES)

    def add(self, part: int, files: Sequence[str], tables: Sequence[pa.Table], anew: bool) -> None:
        """Read more of a part: Parquet files by their addresses, and tables with the columns.

        `anew`: what was known of the part is dropped first.
        """
        with self._transaction():
            if anew:
                self._run(id_sql.FORGET, part)
            sources = [f"SELECT {id_sql.COLUMNS} FROM {_scan(files)}"] if files else []
            for number, table in enumerate(tables):
                self._con.register(f"given_{number}", table)
                sources.append(f"SELECT {id_sql.COLUMNS} FROM given_{number}")
            self._con.execute(id_sql.blocks(" UNION ALL ".join(sources)))
            self._run((id_sql.GROWN, id_sql.COUNTED, *id_sql.FORGET, *id_sql.STORE), part)

    def forget(self, part: int) -> None:
        """Drop a part."""
        with self._transaction():
            self._run(id_sql.FORGET, part)

    def hours(self, gaps: Iterable[Row]) -> list[HourIds]:
        """Every hour by exchange, symbol and time; `gaps`: rows of ops_gap, any status."""
        told = [row for row in gaps if row["status"] in ("open", "unrepairable")]
        given = pa.Table.from_pylist([dict(row) for row in told], schema=_GAPS)
        with self._transaction():
            self._con.register("given_gaps", given)
            self._con.execute("DELETE FROM gaps; INSERT INTO gaps BY NAME FROM given_gaps")
            self._con.execute(id_sql.HOLES)
            return [HourIds(*row) for row in self._con.execute(id_sql.HOURS).fetchall()]

    def interrupt(self) -> None:
        """Let what is under way fail; from any thread."""
        self._con.interrupt()

    def close(self) -> None:
        """End the session; its spill files go with it."""
        self._con.close()
        self._spill.cleanup()

    def _run(self, statements: Iterable[str], part: int) -> None:
        for statement in statements:
            self._con.execute(statement, {"part": part})

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._con.begin()
        try:
            yield
        except BaseException:
            _rolled_back(self._con)
            raise
        self._con.commit()


def _rolled_back(con: duckdb.DuckDBPyConnection) -> None:
    try:
        con.rollback()
    except duckdb.TransactionException:  # some errors end it themselves
        return


def _scan(files: Sequence[str]) -> str:
    # Folders look like hive's partitions; the columns are in the files.
    return f"read_parquet([{', '.join(map(_literal, files))}], hive_partitioning => false)"


def _literal(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))
