"""What a micro-batch costs as the table grows: Silver, Gold, and Silver's look at its start.

`python -m benchmarks.batch_cost [--rows 1M 10M 50M]`: Silver is filled with so many trades (five
symbols, hourly partitions, four files an hour), then batches of 1,000 new trades go through the
real jobs, from Bronze to Silver and from Silver to Gold. The median of several batches counts,
after two that warm up. About 2 GB of disk for 50M rows; the folder is removed at the end.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import psutil
from pyspark.sql import DataFrame, SparkSession
from rich.console import Console
from rich.table import Table

from benchmarks.layers import SYMBOLS
from lakehouse import settings as settings_module
from lakehouse import tables
from lakehouse.settings import Settings
from lakehouse.stack import jars
from spark_jobs import session, sinks, stream
from spark_jobs.jobs.crypto_gold_minute import GoldJob
from spark_jobs.jobs.crypto_silver_trades import SilverJob
from spark_jobs.sinks import Batch
from spark_jobs.snapshot_sources import appended
from spark_jobs.transforms.silver import trades

NEW: Final = 1000
WARM_UP: Final = 2
_ROWS_AN_HOUR: Final = 250_000
_FILES_AN_HOUR: Final = 4
_HOUR_US: Final = 3_600_000_000
_FIRST_ID: Final = 1_000_000
_UNITS: Final = {"k": 10**3, "M": 10**6}


class Spent(NamedTuple):
    """Seconds by the clock, and of processors: these say more where others use them, too."""

    wall: float
    cpu: float


class Cost(NamedTuple):
    """Medians of a batch of NEW trades while Silver holds `rows`, and the recall at the start."""

    rows: int
    silver: Spent
    gold: Spent
    recall: Spent


class World:
    """A lake whose trades are numbered 0, 1, 2, … in the order of their times."""

    def __init__(self, spark: SparkSession, settings: Settings) -> None:
        self._spark = spark
        self._context = stream.Context(spark, settings, run_id="benchmark")
        self._start_us = time.time_ns() // 1000 // _HOUR_US * _HOUR_US - 400 * _HOUR_US
        self._trades = 0
        self._batches = 0

    def grow(self, rows: int) -> None:
        """Fill Silver up to `rows` trades."""
        parts = max(1, (rows - self._trades) * _FILES_AN_HOUR // _ROWS_AN_HOUR)
        new = self._bronze(self._trades, rows, parts)
        trades(new).writeTo(tables.full_name(tables.SILVER)).append()
        self._trades = rows

    def cost(self, batches: int) -> Cost:
        """Measure as the lake stands, with jobs that have just been started."""
        rows, silver, gold = self._trades, SilverJob(self._context), GoldJob(self._context)
        recall = self._spent(silver.source)
        gold.source()
        # What spark_jobs/stream.py does for small batches.
        with _uncompiled(self._spark):
            spent = [self._batch(silver, gold) for _ in range(WARM_UP + batches)][WARM_UP:]
        to_silver, to_gold = (_median(each) for each in zip(*spent, strict=True))
        return Cost(rows, to_silver, to_gold, recall)

    def _batch(self, silver: SilverJob, gold: GoldJob) -> tuple[Spent, Spent]:
        """NEW trades from Bronze to Silver, and from Silver to Gold."""
        new = self._bronze(self._trades, self._trades + NEW, 1)
        bronze_rows = self._appended(
            tables.BRONZE, lambda: new.writeTo(tables.full_name(tables.BRONZE)).append()
        )
        batch = Batch("benchmark", self._batches)
        self._trades, self._batches = self._trades + NEW, self._batches + 1
        before = sinks.snapshot_id(self._spark, tables.SILVER)
        to_silver = self._spent(lambda: silver.process(bronze_rows, batch))
        silver_rows = self._since(tables.SILVER, before)
        return to_silver, self._spent(lambda: gold.process(silver_rows, batch))

    def _spent(self, work: Callable[[], object]) -> Spent:
        """What `work` takes; processors: of Java, where nearly all of it is done."""
        wall, cpu = time.monotonic(), self._cpu_seconds()
        work()
        return Spent(time.monotonic() - wall, self._cpu_seconds() - cpu)

    def _cpu_seconds(self) -> float:
        jvm = self._spark.sparkContext._jvm
        assert jvm is not None
        pid = jvm.java.lang.ProcessHandle.current().pid()
        times = psutil.Process(pid).cpu_times()
        return times.user + times.system

    def _appended(self, table: str, write: Callable[[], object]) -> DataFrame:
        """The rows that `write` appends to a table."""
        before = sinks.snapshot_id(self._spark, table)
        write()
        return self._since(table, before)

    def _since(self, table: str, before: int | None) -> DataFrame:
        """The rows that came after a snapshot."""
        after = sinks.snapshot_id(self._spark, table)
        assert after is not None
        if before is None:
            return self._spark.table(tables.full_name(table))
        return appended(self._spark, table, before, after)

    def _bronze(self, first: int, end: int, parts: int) -> DataFrame:
        """Trades `first` up to `end` as rows of Bronze."""
        names, lines = ", ".join(f"'{name}'" for name in SYMBOLS), len(SYMBOLS)
        at = f"{self._start_us} + id * {_HOUR_US // _ROWS_AN_HOUR}"
        return self._spark.range(first, end, 1, parts).selectExpr(
            "'binance' AS exchange",
            f"element_at(array({names}), CAST(id % {lines} AS INT) + 1) AS symbol",
            f"{_FIRST_ID} + id div {lines} AS agg_id",
            "concat(CAST(60000 + id % 977 AS STRING), '.63000000') AS price",
            "concat('0.', lpad(CAST(1 + id % 9973 AS STRING), 8, '0')) AS qty",
            "3 * id AS first_trade_id",
            "3 * id + 1 AS last_trade_id",
            f"{at} AS trade_time",
            f"{at} AS event_time",
            "id % 2 = 0 AS is_buyer_maker",
            f"{at} AS ingest_time",
            "'simulated' AS source",
            "1 AS schema_version",
            f"timestamp_micros({at}) AS event_ts",
            f"date_trunc('HOUR', timestamp_micros({at})) AS dt_hour",
            "'benchmark' AS kafka_topic",
            "0 AS kafka_partition",
            "id AS kafka_offset",
            f"timestamp_micros({at}) AS kafka_timestamp",
            f"timestamp_micros({at}) AS ingest_ts",
            "CAST(NULL AS BINARY) AS raw",
        )


@contextmanager
def _uncompiled(spark: SparkSession) -> Iterator[None]:
    off = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
    for name, value in off.items():
        spark.conf.set(name, value)
    yield
    for name in off:
        spark.conf.unset(name)


def _median(spent: Sequence[Spent]) -> Spent:
    return Spent(*(statistics.median(each) for each in zip(*spent, strict=True)))


def run(sizes: Sequence[int], batches: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_module.load(data_dir=Path(folder))
        spark = session.build(settings, jars.ensure(settings, print).spark, "benchmark")
        try:
            session.create_tables(spark)
            world = World(spark, settings)
            Console().print(_table([_measured(world, size, batches) for size in sorted(sizes)]))
        finally:
            spark.stop()


def _measured(world: World, rows: int, batches: int) -> Cost:
    world.grow(rows)
    cost = world.cost(batches)
    print(cost, flush=True)
    return cost


def _table(costs: Sequence[Cost]) -> Table:
    drawn = Table("trades in Silver", title=f"{NEW:,} new trades, s (of processors)")
    for name in ("Bronze → Silver", "Silver → Gold", "look at the start"):
        drawn.add_column(name, justify="right")
    for cost in costs:
        drawn.add_row(f"{cost.rows:,}", *(f"{each.wall:.2f} ({each.cpu:.2f})" for each in cost[1:]))
    return drawn


def _number(text: str) -> int:
    """50M → 50,000,000."""
    return int(text[:-1]) * _UNITS[text[-1]] if text[-1:] in _UNITS else int(text)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="+", type=_number, default=[10**6, 10**7, 5 * 10**7])
    parser.add_argument("--batches", type=int, default=9)
    arguments = parser.parse_args()
    run(arguments.rows, arguments.batches)


if __name__ == "__main__":
    main()
