"""Lakes of other versions: their tables, and this program made to look like the next version."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from pyspark.sql import SparkSession

from lakehouse import tables

# The tables as the release before made them: `git show 44e3406:sql/<table>/table.sql`.
PREVIOUS = Path(__file__).parent / "lake_of_issue_4"
# What SHOW TBLPROPERTIES tells beside the properties that were set.
_NO_PROPERTIES = {"current-snapshot-id", "format"}


class Shape(NamedTuple):
    """All that a table.sql declares of a table."""

    columns: list[tuple[str, str, bool, str]]  # name, type, nullable, comment
    partitions: list[str]
    comment: str
    properties: dict[str, str]


def drop_all(spark: SparkSession) -> None:
    """Leave the namespace without a table."""
    spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {tables.CATALOG}.{tables.NAMESPACE}")
    for row in spark.sql(f"SHOW TABLES IN {tables.CATALOG}.{tables.NAMESPACE}").collect():
        spark.sql(f"DROP TABLE {tables.full_name(row['tableName'])} PURGE")


def make_previous(spark: SparkSession) -> None:
    """A lake as the release before left it, without rows."""
    drop_all(spark)
    for path in sorted(PREVIOUS.glob("*.sql")):
        if path.stem in tables.ALL:
            spark.sql(path.read_text(encoding="utf-8"))


def shape(spark: SparkSession, table: str) -> Shape:
    name = tables.full_name(table)
    told = {
        row["col_name"]: row["data_type"]
        for row in spark.sql(f"DESCRIBE TABLE EXTENDED {name}").collect()
    }
    fields = spark.table(name).schema.fields
    properties = spark.sql(f"SHOW TBLPROPERTIES {name}").collect()
    return Shape(
        [
            (f.name, f.dataType.simpleString(), f.nullable, f.metadata.get("comment", ""))
            for f in fields
        ],
        [kind for name, kind in told.items() if name.startswith("Part ")],
        told.get("Comment", ""),
        {row["key"]: row["value"] for row in properties if row["key"] not in _NO_PROPERTIES},
    )


def records(spark: SparkSession) -> list[tuple[int, str, str]]:
    """Number, name and kind of each row of ops_migration."""
    rows = spark.table(tables.full_name(tables.MIGRATION)).orderBy("number").collect()
    return [(row["number"], row["name"], row["kind"]) for row in rows]


@contextmanager
def version(
    folder: Path,
    migrations: Mapping[str, str],
    changes: Mapping[str, tuple[str, str]] | None = None,
) -> Iterator[None]:
    """This program with a sql folder of its own.

    `migrations`: file name → text, in place of those that there are. `changes`: file below the
    folder → (text to be found, text in its place).
    """
    sql = folder / "sql"
    shutil.copytree(tables.SQL, sql)
    shutil.rmtree(sql / "migrations")
    (sql / "migrations").mkdir()
    for name, text in migrations.items():
        (sql / "migrations" / name).write_text(text)
    for file, (old, new) in (changes or {}).items():
        text = (sql / file).read_text()
        assert old in text, file
        (sql / file).write_text(text.replace(old, new))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "SQL", sql)
        tables.statement.cache_clear()
        yield
    tables.statement.cache_clear()
