"""A Spark session on a lake of its own, emptied for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse import settings as settings_module
from lakehouse import tables
from lakehouse.settings import Settings
from lakehouse.stack import jars
from spark_jobs import session


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    settings = settings_module.load(data_dir=tmp_path_factory.mktemp("lake"))
    built = session.build(settings, jars.ensure(settings, print).spark, "tests")
    yield built
    built.stop()


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Settings:
    """Settings of an empty lake: new tables, new checkpoints."""
    for table in tables.ALL:
        spark.sql(f"DROP TABLE IF EXISTS {tables.full_name(table)} PURGE")
    session.create_tables(spark)
    return settings_module.load(data_dir=tmp_path, trigger_seconds=0)
