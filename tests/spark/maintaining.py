"""Lakes with many small files, and what maintenance is asked of them."""

from collections.abc import Sequence

from pyspark.sql import SparkSession

from lakehouse import tables
from lakehouse.maintenance import STEPS
from lakehouse.settings import Settings
from spark_jobs import stream
from spark_jobs.app import JOBS
from spark_jobs.maintenance.run import Done, Run
from tests.spark.feeding import feed_bronze
from tests.spark.test_streams import MINUTE, START, encoded, trade

HOUR = 60 * MINUTE


def at_once(settings: Settings, **more: object) -> Settings:
    """Settings by which every snapshot is old at once."""
    return settings.model_copy(update={"snapshot_keep_minutes": 0.0, **more})


def small_commits(spark: SparkSession, first: int, count: int, hours: int = 3) -> None:
    """So many commits of Bronze, each with a trade of each hour from START on."""
    for number in range(first, first + count):
        ids = [number * hours + hour for hour in range(hours)]
        trades = [trade(id_, START + id_ % hours * HOUR + id_ * 1000) for id_ in ids]
        feed_bronze(spark, encoded(trades), number * hours, number)


def follow(
    spark: SparkSession, settings: Settings, names: Sequence[str] = (tables.SILVER, tables.GOLD)
) -> None:
    """Start each stream as the application does, and end it once it has read what is there."""
    for name in names:
        context = stream.Context(spark, settings, run_id="test-run")
        query = stream.start(context, JOBS[name](context))
        try:
            query.processAllAvailable()
        finally:
            query.stop()


def maintained(
    spark: SparkSession,
    settings: Settings,
    names: Sequence[str] = (),
    steps: Sequence[str] = STEPS,
    dry_run: bool = False,
) -> dict[tuple[str, str], Done]:
    """A run's results by table and step; AssertionError where one failed."""
    done = Run(spark, settings, names, steps, dry_run).run()
    assert [each for each in done if each.error] == []
    return {(each.table, each.step): each for each in done}


def files_by_hour(spark: SparkSession, table: str, time: str) -> dict[int, int]:
    """How many files hold rows of which hour since START."""
    hour = f"CAST((unix_micros(readable_metrics.{time}.lower_bound) - {START}) div {HOUR} AS INT)"
    files = f"{tables.full_name(table)}.data_files"
    rows = spark.sql(f"SELECT {hour} AS hour, count(*) AS files FROM {files} GROUP BY 1")
    return {row["hour"]: row["files"] for row in rows.collect()}


def snapshot_ids(spark: SparkSession, table: str) -> list[int]:
    """The snapshots of a table, the oldest first."""
    rows = spark.sql(
        f"SELECT snapshot_id FROM {tables.full_name(table)}.snapshots ORDER BY committed_at"
    )
    return [row["snapshot_id"] for row in rows.collect()]


def content(spark: SparkSession, table: str) -> list[str]:
    """All rows as texts, in an order of their own."""
    rows = spark.sql(f"SELECT to_json(struct(*)) AS row FROM {tables.full_name(table)}").collect()
    return sorted(row["row"] for row in rows)
