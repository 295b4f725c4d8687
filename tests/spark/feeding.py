"""Put messages into Bronze as the Kafka stream would, and run the streams on what is there."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from lakehouse import settings as settings_module
from lakehouse import tables
from lakehouse.settings import Settings
from spark_jobs import stream
from spark_jobs.app import JOBS
from spark_jobs.quality import Rules
from spark_jobs.sinks import Batch, OnceAppender
from spark_jobs.transforms.bronze import bronze_rows

ANY_SYMBOL = Rules()
KAFKA_SCHEMA = (
    "key BINARY, value BINARY, topic STRING, partition INT, offset BIGINT, timestamp TIMESTAMP"
)


def kafka_records(
    spark: SparkSession,
    values: Sequence[bytes | None],
    first_offset: int = 0,
    at: datetime | None = None,
) -> DataFrame:
    """Values as the Kafka source gives them, of the time `at`: by default of now."""
    now = at or datetime.now(UTC)
    rows = [
        (b"key", bytearray(value) if value is not None else None, "t", 0, first_offset + i, now)
        for i, value in enumerate(values)
    ]
    return spark.createDataFrame(rows, KAFKA_SCHEMA)


def feed_bronze(
    spark: SparkSession,
    values: Sequence[bytes | None],
    first_offset: int = 0,
    batch: int = 0,
    rules: Rules = ANY_SYMBOL,
    at: datetime | None = None,
) -> None:
    """One commit of Bronze."""
    rows = bronze_rows(kafka_records(spark, values, first_offset, at), rules)
    OnceAppender(tables.BRONZE).append(rows, Batch("test", batch))


def run_streams(
    spark: SparkSession, settings: Settings, names: Sequence[str] = (tables.SILVER, tables.GOLD)
) -> None:
    """Start each stream anew, as after a restart, and let it work off what is there."""
    for name in names:
        context = stream.Context(spark, settings, run_id="test-run")
        query = stream.start(context, JOBS[name](context), available_now=True)
        query.awaitTermination()


def settings_of(spark: SparkSession) -> Settings:
    """The settings of the lake that the session writes to."""
    warehouse = spark.conf.get("spark.sql.catalog.lake.warehouse")
    assert warehouse is not None
    return settings_module.load(data_dir=Path(warehouse.removeprefix("file://")).parent)
