"""Silver's stream and the reject limit: it stops before the batch is written, and remembers."""

from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse import messages, tables
from lakehouse.errors import RejectLimitError
from lakehouse.settings import Settings
from spark_jobs import rejects, stream
from spark_jobs.app import JOBS
from spark_jobs.reject_limit import Judged
from tests.spark.feeding import feed_bronze
from tests.spark.test_streams import trade


def silver_stream(spark: SparkSession, settings: Settings) -> Exception | None:
    """Start Silver's stream anew, let it work off what is there; what its last batch raised."""
    context = stream.Context(spark, settings, run_id="test-run")
    query = stream.start(context, JOBS[tables.SILVER](context), available_now=True)
    try:
        query.awaitTermination()
    except StreamingQueryException:
        return context.pulse(tables.SILVER).taken_error()
    return None


def held(spark: SparkSession) -> int:
    return spark.table(tables.full_name(tables.QUARANTINE)).count()


def test_a_restart_counts_on_and_stops_before_the_batch(
    spark: SparkSession, lake: Settings
) -> None:
    limited = lake.model_copy(update={"reject_limit_rows": 20, "reject_limit_percent": 90})
    bad = [messages.encode(trade(n, price="0")) for n in range(18)]
    feed_bronze(spark, [*bad, messages.encode(trade(50))])
    assert silver_stream(spark, limited) is None, "19 rows are too few to judge by"
    assert held(spark) == 18

    feed_bronze(spark, [messages.encode(trade(n, qty="0")) for n in (60, 61)], 100, 1)
    for _ in range(2):  # started again, it stops again
        error = silver_stream(spark, limited)
        assert isinstance(error, RejectLimitError)
        assert "20 of the last 21 rows break a rule" in error.message
        assert "qty_not_positive (2)" in error.message
        assert held(spark) == 18
    failed = spark.table(tables.full_name(tables.AUDIT)).where("status = 'failed'")
    assert failed.where(F.col("error").startswith("RejectLimitError")).count() == 2

    recalled = rejects.recalled_limit(spark, limited, tables.SILVER)
    assert list(recalled._window) == [Judged(19, 18)]
    assert silver_stream(spark, lake.model_copy(update={"reject_limit_rows": 0})) is None
    assert held(spark) == 20
    assert spark.table(tables.full_name(tables.SILVER)).count() == 1
