"""What a trade costs on disk once its hour is compacted, and that nothing of it is lost thereby."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet
from pyspark.sql import SparkSession

from benchmarks.recorded_day import rounds
from lakehouse import tables
from lakehouse.query import Lake
from lakehouse.settings import Settings
from tests.spark.feeding import settings_of
from tests.spark.maintaining import maintained

MOST = 15  # bytes a trade, quote_qty included
SILVER = tables.full_name(tables.SILVER)
FIRST_HOUR = "event_ts < TIMESTAMP '2024-08-09 01:00:00'"
SUMS = """SELECT count(*) AS trades, sum(agg_id) AS ids, sum(price) AS price, sum(qty) AS qty,
  sum(quote_qty) AS quote_qty, sum(last_trade_id - first_trade_id) AS others,
  sum(CASE WHEN is_buyer_maker THEN 1 ELSE 0 END) AS sold, max(event_ts) AS newest,
  max(ingest_ts) AS received FROM lake.market.crypto_silver_trades"""


def test_a_compacted_hour_of_silver_takes_fifteen_bytes_a_trade(
    spark: SparkSession, lake: Settings, shared_data: Path, tmp_path: Path
) -> None:
    names = spark.table(SILVER).columns
    fed = pa.concat_tables(rounds(shared_data, hours=1.1)).select(names)
    for start in range(0, len(fed), len(fed) // 3):  # as many commits
        path = tmp_path / f"{start}.parquet"
        parquet.write_table(fed.slice(start, len(fed) // 3), path)
        spark.read.parquet(str(path)).writeTo(SILVER).append()
    before = spark.sql(SUMS).collect()
    assert before[0]["trades"] == len(fed)
    maintained(spark, lake, [tables.SILVER], ["compact"])
    [hour, *_] = spark.sql(
        f"SELECT file_size_in_bytes AS size, record_count AS trades FROM {SILVER}.data_files "
        "ORDER BY readable_metrics.event_ts.lower_bound"
    ).collect()
    assert hour["trades"] == spark.table(SILVER).where(FIRST_HOUR).count(), "one file"
    assert hour["size"] / hour["trades"] <= MOST
    assert spark.sql(SUMS).collect() == before
    with Lake(settings_of(spark)) as reader:  # no Spark there: pyiceberg, Arrow and DuckDB
        [told] = reader.rows(SUMS)
    assert told["price"] == pc.sum(fed["price"]).as_py() == before[0]["price"]
    assert (told["trades"], told["quote_qty"]) == (len(fed), before[0]["quote_qty"])
