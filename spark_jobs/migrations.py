"""Bring the tables of a lake to what this version wants: made anew, or migrated.

Run at every start of a Spark application, by several at once where it so happens: each statement
and each record is made once, whoever comes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Literal

import structlog
from pyspark.sql import SparkSession

from lakehouse import migrations, tables
from lakehouse.migrations import Migration, Record
from spark_jobs import sinks
from spark_jobs.schema_changes import SchemaChange

Kind = Literal["applied", "baseline"]
_SCHEMA: Final = (
    "number INT, name STRING, sha256 STRING, kind STRING, applied_at TIMESTAMP, applied_by STRING"
)
_RECORDED: Final = f"SELECT number, name, sha256 FROM {tables.full_name(tables.MIGRATION)}"
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What was done: `made` where there was no lake, else the migrations that it lacked."""

    made: bool
    applied: tuple[Migration, ...]


def bring_up(spark: SparkSession) -> Outcome:
    """Make the tables that are missing and apply what the others lack; safe to repeat.

    SettingsError, with nothing written, where the lake is of a newer version or a migration was
    changed after it was applied; SettingsError as well where a statement can't be applied.
    """
    known = migrations.load()
    present = _present(spark)
    standing = migrations.compare(known, _recorded(spark) if tables.MIGRATION in present else ())
    standing.require_usable()
    new = not present - {tables.MIGRATION} and standing.pending == known
    applied = () if new else standing.pending
    changes = {each: [SchemaChange(spark, text) for text in each.statements] for each in applied}
    spark.sql(tables.ddl(tables.MIGRATION))
    # The records come before the tables: a crash between the two leaves a lake that is still new.
    if new:
        _record(spark, known, "baseline")
    for migration in applied:
        _apply(spark, migration, changes[migration])
    for table in tables.ALL:
        spark.sql(tables.ddl(table))
    return Outcome(new, applied)


def _apply(spark: SparkSession, migration: Migration, changes: Sequence[SchemaChange]) -> None:
    log.info("migration", migration=str(migration), statements=len(changes))
    try:
        for change in changes:
            # A table that this lake has not yet is made afterwards, as it is today.
            if spark.catalog.tableExists(change.table):
                change.apply()
    except Exception:
        # Another application is ahead of this one, and its later statements are what we met.
        if migration.number in {record.number for record in _recorded(spark)}:
            return
        raise
    _record(spark, [migration], "applied")


def _record(spark: SparkSession, done: Sequence[Migration], kind: Kind) -> None:
    """Record what nobody else has recorded meanwhile; a number never stands twice."""
    while True:
        since = sinks.snapshot_id(spark, tables.MIGRATION)
        recorded = {record.number for record in _recorded(spark)}
        missing = [migration for migration in done if migration.number not in recorded]
        if not missing:
            return
        now = datetime.now(UTC)
        rows = [
            (each.number, each.name, each.sha256, kind, now, program_version()) for each in missing
        ]
        frame = spark.createDataFrame(rows, _SCHEMA).coalesce(1)
        try:
            sinks.append_if_unchanged(frame, tables.MIGRATION, since, {})
            return
        except sinks.Conflict:
            log.info("migration_recorded_by_another")


def program_version() -> str:
    """The version of the installed program."""
    try:
        return version("firehose-lakehouse")
    except PackageNotFoundError:  # run from a folder that was not installed
        return "unknown"


def _present(spark: SparkSession) -> set[str]:
    """The tables of ours that the lake has."""
    rows = spark.sql(f"SHOW TABLES IN {tables.CATALOG}.{tables.NAMESPACE}").collect()
    return {row["tableName"] for row in rows} & {*tables.ALL}


def _recorded(spark: SparkSession) -> list[Record]:
    return [Record(*row) for row in spark.sql(_RECORDED).collect()]
