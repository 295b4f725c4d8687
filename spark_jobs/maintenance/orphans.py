"""Files in a table's folder that no snapshot knows: what a killed writer has left.

A commit names files that were written before it, so a young file without a table may be one that
a running batch, rebuild or compaction is about to commit. Only what is older than any of these
could live, ORPHAN_KEEP_HOURS, is an orphan; less than 24 hours can't be set.
"""

from datetime import UTC, datetime, timedelta

from pyspark.sql import SparkSession

from lakehouse import tables
from lakehouse.settings import Settings


def orphans(spark: SparkSession, settings: Settings, table: str, dry_run: bool) -> list[str]:
    """The addresses of a table's orphans, which are gone afterwards; `dry_run`: still there."""
    until = datetime.now(UTC) - timedelta(hours=settings.orphan_keep_hours)
    older = f"older_than => TIMESTAMP '{until:%Y-%m-%d %H:%M:%S}'"
    # By the table's own file access: Hadoop's has no keys of the object store.
    rows = spark.sql(
        f"CALL {tables.CATALOG}.system.remove_orphan_files("
        f"table => '{tables.full_name(table)}', {older}, "
        f"dry_run => {str(dry_run).lower()}, prefix_listing => true)"
    )
    return sorted(row["orphan_file_location"] for row in rows.collect())
