"""How fast Silver is rebuilt from Bronze, and found equal to it.

`python -m benchmarks.rebuild [--trades N]`: Bronze is filled with the messages of N trades of five
symbols, 250,000 an hour, one in a hundred of them sent twice. Then Silver, which is empty, is
rebuilt (with Gold after it), and once more, when there is nothing to do. rows/s is records of
Bronze by the wall time of the command's work; the start of Spark is left out.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from rich.console import Console
from rich.table import Table

from benchmarks.layers import SYMBOLS
from lakehouse import settings as settings_module
from lakehouse import tables
from lakehouse.settings import Settings
from lakehouse.spans import Span
from lakehouse.stack import jars
from spark_jobs import quality, session, sinks
from spark_jobs.rebuild import Rebuild
from spark_jobs.rebuild_pieces import MOST_ROWS
from spark_jobs.sinks import Batch
from spark_jobs.transforms.bronze import bronze_rows

_HOUR_US: Final = 3_600_000_000
_ROWS_AN_HOUR: Final = 250_000
_TWICE: Final = 100
_COMMIT: Final = 500_000


def records(spark: SparkSession, first: int, count: int, start_us: int) -> DataFrame:
    """Messages of the trades from number `first` on, as the Kafka source gives them."""
    at = f"{start_us} + id * {_HOUR_US} div {_ROWS_AN_HOUR}"
    symbols = ", ".join(f"'{symbol}'" for symbol in SYMBOLS)
    copies = f"explode(CASE WHEN id % {_TWICE} = 0 THEN array(0, 1) ELSE array(0) END) AS copy"
    value = (
        f"to_json(named_struct('exchange', 'binance', 'symbol', array({symbols})[id % 5], "
        "'agg_id', id div 5, 'price', concat(60000 + id % 997, '.', 10 + id % 89, '000000'), "
        "'qty', concat('0.0', 1000000 + id % 8999999), 'first_trade_id', id, 'last_trade_id', id, "
        f"'trade_time', {at}, 'event_time', {at}, 'is_buyer_maker', id % 2 = 0, "
        f"'ingest_time', {at}, 'source', 'simulated', 'schema_version', 1))"
    )
    trades = spark.range(first, first + count).selectExpr("id", copies)
    return trades.selectExpr(
        f"CAST({value} AS BINARY) AS value",
        "'binance.aggtrade' AS topic",
        "0 AS partition",
        "2 * id + copy AS offset",
        f"timestamp_micros({at}) AS timestamp",
    )


def fill(spark: SparkSession, trades: int) -> int:
    """Fill Bronze by commits of half a million; returns its records."""
    start_us = time.time_ns() // 1000 // _HOUR_US * _HOUR_US - 400 * _HOUR_US
    appender = sinks.OnceAppender(tables.BRONZE)
    for number, first in enumerate(range(0, trades, _COMMIT)):
        told = records(spark, first, min(_COMMIT, trades - first), start_us)
        appender.append(bronze_rows(told, quality.Rules()), Batch("benchmark", number))
    return spark.table(tables.full_name(tables.BRONZE)).count()


def run(trades: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_module.load(data_dir=Path(folder))
        spark = session.build(settings, jars.ensure(settings, print).spark, "benchmark")
        try:
            session.create_tables(spark)
            _measure(spark, settings, trades)
        finally:
            spark.stop()


def _measure(spark: SparkSession, settings: Settings, trades: int) -> None:
    spark.conf.set("spark.sql.shuffle.partitions", str(MOST_ROWS // 250_000))
    count = fill(spark, trades)
    drawn = Table("rebuild of silver", "pieces", title=f"{count:,} records, {trades:,} trades")
    for name in ("added", "silver, s", "records/s", "gold after it, s"):
        drawn.add_column(name, justify="right")
    for what in ("all of it was lost", "all was equal"):
        began = time.monotonic()
        work = Rebuild(spark, settings, Span(0, 10**6))
        silver = work.silver()
        middle = time.monotonic()
        work.gold(silver)
        ended = time.monotonic()
        pieces = [outcome for layer, outcome in work.pieces if layer == "silver"]
        added = sum(outcome.change.added for outcome in pieces)
        drawn.add_row(
            what, str(len(pieces)), f"{added:,}", f"{middle - began:.1f}",
            f"{count / (middle - began):,.0f}", f"{ended - middle:.1f}",
        )  # fmt: skip
    Console().print(drawn)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trades", type=int, default=2_000_000)
    run(parser.parse_args().trades)


if __name__ == "__main__":
    main()
