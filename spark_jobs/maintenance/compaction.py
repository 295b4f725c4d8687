"""Compaction: the small files of an hour become one, sorted; and fewer manifests.

Iceberg calls such a commit a `replace`: no row came or went. Streams pass over it, and conditional
appends take it for no change (sinks.py).
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import structlog
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from lakehouse.id_ranges import Pair
from lakehouse.spans import instant
from spark_jobs import snapshots
from spark_jobs.maintenance import plan
from spark_jobs.maintenance.layouts import LAYOUTS
from spark_jobs.refusals import was_refused

_OPTIONS: Final = {
    "min-input-files": str(plan.LEAST_FILES),
    "partial-progress.enabled": "true",
    "partial-progress.max-commits": "24",
    # Groups one after the other: half of a small machine is left to the streams.
    "max-concurrent-file-group-rewrites": "1",
}
# What is written once and read for years is worth the time; streams keep Iceberg's quick level.
LEVEL: Final = "19"
_TRIES: Final = 3
_HOUR_SECONDS: Final = 3600
log = structlog.get_logger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True)
class Compacted:
    """Files that were replaced by `added` ones; `skipped` hours met other writers every time."""

    rewritten: int = 0
    added: int = 0
    skipped: int = 0

    def __add__(self, other: "Compacted") -> "Compacted":
        return Compacted(
            self.rewritten + other.rewritten, self.added + other.added, self.skipped + other.skipped
        )


def files_by_hour(spark: SparkSession, table: str) -> dict[int, int]:
    """How many files begin in which hour (since 1970)."""
    files = spark.table(f"{tables.full_name(table)}.data_files")
    lowest = F.col(f"readable_metrics.{LAYOUTS[table].time}.lower_bound")
    hour = F.floor(F.unix_seconds(lowest) / _HOUR_SECONDS).alias("hour")
    counted = files.groupBy(hour).count().where("hour IS NOT NULL").collect()
    return {int(row["hour"]): int(row["count"]) for row in counted}


def crowded_hours(files: Mapping[int, int]) -> list[Pair]:
    """The runs of hours (first, last; since 1970) that compaction would take."""
    return plan.hours_to_compact(files, int(time.time()) // _HOUR_SECONDS)


def compact(
    spark: SparkSession,
    table: str,
    crowded: Iterable[Pair],
    stopped: Callable[[], bool] = lambda: False,
) -> Compacted:
    """Compact these hours; what others change meanwhile is tried again, then left alone."""
    done = Compacted()
    for first, last in crowded:
        if stopped():
            break
        found = _retried(partial(_rewrite, spark, table, first, last))
        done += found if found is not None else Compacted(skipped=last - first + 1)
    return done


def delete_files(spark: SparkSession, table: str) -> int:
    """Work position deletes into fewer files; how many files of them went."""
    row = _retried(lambda: _call(spark, "rewrite_position_delete_files", table))
    return 0 if row is None else int(row["rewritten_delete_files_count"])


def manifests(spark: SparkSession, table: str) -> int:
    """Merge the manifests where there are many; how many went."""
    newest = (loaded := snapshots.load(spark, table)).currentSnapshot()
    if newest is None or not plan.worth_merging(newest.allManifests(loaded.io()).size()):
        return 0
    row = _retried(lambda: _call(spark, "rewrite_manifests", table, "use_caching => false"))
    return 0 if row is None else int(row["rewritten_manifests_count"])


def _rewrite(spark: SparkSession, table: str, first: int, last: int) -> Compacted:
    layout = LAYOUTS[table]
    start, end = (f"TIMESTAMP '{instant(hour):%Y-%m-%d %H:%M:%S}'" for hour in (first, last + 1))
    options = ", ".join(f"'{name}', '{value}'" for name, value in _OPTIONS.items())
    row = _call(
        spark,
        "rewrite_data_files",
        table,
        "strategy => 'sort'",
        f"sort_order => '{', '.join(layout.order)}'",
        f'where => "{layout.time} >= {start} AND {layout.time} < {end}"',
        f"options => map({options})",
    )
    failed = int(row["failed_data_files_count"])
    return Compacted(
        int(row["rewritten_data_files_count"]),
        int(row["added_data_files_count"]),
        1 if failed else 0,
    )


def _call(spark: SparkSession, procedure: str, table: str, *words: str) -> Row:
    arguments = ", ".join([f"table => '{tables.full_name(table)}'", *words])
    [row] = spark.sql(f"CALL {tables.CATALOG}.system.{procedure}({arguments})").collect()
    return row


def _retried(attempt: Callable[[], _T]) -> _T | None:
    """The result; None where others' commits refused each try."""
    for _ in range(_TRIES):
        try:
            return attempt()
        except Exception as error:
            if not was_refused(error):
                raise
            log.info("maintenance_met_a_writer", reason=str(error).splitlines()[0][:200])
    return None
