"""How fast trades go from Kafka to each layer, and what a trade costs on disk.

`python -m benchmarks.layers [--trades N]`: a seeded market's messages are put into an embedded
Kafka before any clock starts; then each stream alone works off what is there, on the same session,
after a warm-up that is not counted. rows/s is rows by the wall time of the stream.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from confluent_kafka import Producer
from pyspark.sql import SparkSession
from rich.console import Console
from rich.table import Table

from lakehouse import messages, tables
from lakehouse import settings as settings_module
from lakehouse.exchanges.binance import EXCHANGE
from lakehouse.settings import Settings
from lakehouse.stack import Stack, jars
from lakehouse.trade import Trade
from producer.logs import configure
from producer.simulator.market import Market, MarketSpec
from producer.topics import ensure_topics
from spark_jobs import session, stream
from spark_jobs.app import JOBS

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "BNBUSDT")
RATE = 1000.0
WARM_UP = 100_000
LAYERS = (tables.BRONZE, tables.SILVER, tables.GOLD)
_HOUR_NS = 3600 * 10**9


def market_messages(first: int, count: int) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of `count` messages from trade number `first` on."""
    start_ns = time.time_ns() // _HOUR_NS * _HOUR_NS - 24 * _HOUR_NS
    market = Market(MarketSpec(SYMBOLS, rate=RATE, start_ns=start_ns))
    now = time.time_ns() // 1000
    for number in range(first, first + count):
        index, row = divmod(number, len(SYMBOLS))
        tick = market.tick(row, market.spec.first_id + index)
        trade = Trade(
            EXCHANGE, SYMBOLS[row], tick.agg_id, tick.price, tick.qty, tick.first_trade_id,
            tick.last_trade_id, tick.time, tick.time, tick.is_buyer_maker, now, "simulated",
        )  # fmt: skip
        yield messages.key_of(trade), messages.encode(trade)


def fill(settings: Settings, first: int, count: int) -> int:
    """Put messages into KAFKA_TOPIC; returns their bytes."""
    producer = Producer(
        {"bootstrap.servers": settings.kafka_bootstrap_servers, "compression.type": "zstd"}
    )
    size = 0
    for key, value in market_messages(first, count):
        size += len(value)
        while True:
            try:
                producer.produce(settings.kafka_topic, value, key)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()
    return size


def work_off(spark: SparkSession, settings: Settings, table: str) -> float:
    """Seconds that a stream takes to work off its source."""
    context = stream.Context(spark, settings, run_id="benchmark")
    began = time.monotonic()
    stream.start(context, JOBS[table](context), available_now=True).awaitTermination()
    return time.monotonic() - began


def stored_bytes(spark: SparkSession, table: str) -> tuple[int, int]:
    """Rows and bytes of a table's data files."""
    row = spark.sql(
        f"SELECT sum(record_count), sum(file_size_in_bytes) FROM {tables.full_name(table)}.files"
    ).collect()[0]
    return int(row[0]), int(row[1])


def run(trades: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_module.load(data_dir=Path(folder), max_rows_per_batch=500_000)
        with Stack(settings, print) as stack:
            settings = settings.model_copy(update={"kafka_bootstrap_servers": stack.start_kafka()})
            ensure_topics(settings, configure("WARNING"))
            spark = session.build(settings, jars.ensure(settings, print).spark, "benchmark")
            try:
                _measure(spark, settings, trades)
            finally:
                spark.stop()


def _measure(spark: SparkSession, settings: Settings, trades: int) -> None:
    session.create_tables(spark)
    fill(settings, 0, WARM_UP)
    for table in LAYERS:
        work_off(spark, settings, table)
    size = fill(settings, WARM_UP, trades)
    drawn = Table("layer", title=f"{trades:,} trades of {size / trades:.0f} bytes in Kafka")
    for name in ("seconds", "rows/s", "bytes a trade"):
        drawn.add_column(name, justify="right")
    for table in LAYERS:
        seconds = work_off(spark, settings, table)
        rows, stored = stored_bytes(spark, table)
        per_trade = f"{stored / rows:.1f}" if table != tables.GOLD else "-"
        drawn.add_row(table, f"{seconds:.1f}", f"{trades / seconds:,.0f}", per_trade)
    Console().print(drawn)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trades", type=int, default=1_000_000)
    run(parser.parse_args().trades)


if __name__ == "__main__":
    main()
