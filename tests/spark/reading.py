"""Tables as the plain reference tells them."""

from dataclasses import fields

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from tests import reference


def gold_by_minute(spark: SparkSession) -> dict[tuple[str, int], reference.Minute]:
    """Gold by (symbol, minute since 1970); AssertionError where a minute stands twice."""
    minute = F.expr("unix_seconds(minute_ts) div 60").alias("minute")
    rows = spark.table(tables.full_name(tables.GOLD)).select("*", minute).collect()
    names = [each.name for each in fields(reference.Minute)]
    found = {}
    for row in rows:
        values = {name: row[name] for name in names}
        values["spike_reasons"] = tuple(values["spike_reasons"])
        found[row["symbol"], row["minute"]] = reference.Minute(**values)
    assert len(found) == len(rows), "a minute stands twice in Gold"
    return found
