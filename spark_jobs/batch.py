"""A Spark session for a command that does its work and ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

from lakehouse.child import tell
from lakehouse.settings import Settings
from lakehouse.stack import jars, java
from spark_jobs import faults, session


@contextmanager
def lake_session(settings: Settings, app_name: str) -> Iterator[SparkSession]:
    """A session whose lake has all its tables; it is stopped at the end. Tells its progress."""
    with bare_session(settings, app_name) as spark:
        with faults.reaching(settings):
            session.create_tables(spark)
        yield spark


@contextmanager
def bare_session(settings: Settings, app_name: str) -> Iterator[SparkSession]:
    """The same, with the lake left as it is found."""
    os.environ["JAVA_HOME"] = str(java.find().home)
    tell("Spark starts")
    spark = session.build(settings, jars.ensure(settings, tell).spark, app_name)
    try:
        yield spark
    finally:
        spark.stop()
