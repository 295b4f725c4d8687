"""What a table weighs: read from its metadata, but for the one query that is timed."""

import time
from dataclasses import dataclass
from typing import Any, Final

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from spark_jobs import snapshots
from spark_jobs.maintenance.layouts import LAYOUTS

# The query counts distinct values in the newest so many hours that have rows.
_QUERY_HOURS: Final = 24


@dataclass(frozen=True)
class Figures:
    """`metadata_bytes` is the size of the table's metadata.json, which each commit writes anew.

    `query_ms`: what `query_ms()` found; `fullest_hour`: the files of the hour that has most, the
    newest left out. None where they were not asked for.
    """

    files: int = 0
    bytes: int = 0
    rows: int = 0
    delete_files: int = 0
    snapshots: int = 0
    manifests: int = 0
    metadata_bytes: int = 0
    query_ms: int | None = None
    fullest_hour: int | None = None


def figures(spark: SparkSession, table: str) -> Figures:
    """The figures of a table as it stands, but for the query's."""
    loaded = snapshots.load(spark, table)
    newest, metadata = loaded.currentSnapshot(), loaded.operations().current()
    size = int(loaded.io().newInputFile(metadata.metadataFileLocation()).getLength())
    if newest is None:
        return Figures(metadata_bytes=size)
    summary = newest.summary()
    return Figures(
        _number(summary, "total-data-files"),
        _number(summary, "total-files-size"),
        _number(summary, "total-records"),
        _number(summary, "total-delete-files"),
        metadata.snapshots().size(),
        newest.allManifests(loaded.io()).size(),
        size,
    )


def _number(summary: Any, name: str) -> int:
    return int(summary.get(name) or 0)


def query_ms(spark: SparkSession, table: str) -> int:
    """The time of a count of distinct values over the newest day, ms."""
    layout = LAYOUTS[table]
    rows = spark.table(tables.full_name(table))
    newest = rows.agg(F.max(layout.time).alias("newest"))  # from statistics: no file is read
    since = newest.select(F.expr(f"newest - INTERVAL {_QUERY_HOURS} HOURS")).collect()[0][0]
    started = time.monotonic()
    if since is not None:
        rows.where(F.col(layout.time) > F.lit(since)).agg(
            F.count_distinct(layout.order[-1]), F.max(layout.order[0])
        ).collect()
    return round((time.monotonic() - started) * 1000)
