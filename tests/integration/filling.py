"""Write trades into a lake with the code that PYTHONPATH names, this one's or an older one's.

`python tests/integration/filling.py DATA_DIR FIRST_ID LAST_ID FIRST_OFFSET`: the trades go into
Bronze in one commit and through the streams to Gold; their offsets rise from FIRST_OFFSET on.
"""

import os
import sys
from pathlib import Path

from lakehouse import messages, settings
from lakehouse.stack import jars, java
from lakehouse.trade import Trade
from spark_jobs import session
from tests.spark.feeding import feed_bronze, run_streams

START = 1_723_161_600_000_000


def trade(agg_id: int) -> Trade:
    """The trade with this id, the same from everybody; 20 in a minute."""
    at, price = START + agg_id * 3_000_000, f"{100 + agg_id % 7}.5"
    return Trade(
        "binance", "BTCUSDT", agg_id, price, "0.25", agg_id, agg_id, at, at, False, at, "simulated"
    )


def main(folder: str, first_id: str, last_id: str, first_offset: str) -> None:
    loaded = settings.load(data_dir=Path(folder), trigger_seconds=0)
    os.environ["JAVA_HOME"] = str(java.find().home)
    spark = session.build(loaded, jars.ensure(loaded, print).spark, "filling")
    session.create_tables(spark)
    values = [messages.encode(trade(n)) for n in range(int(first_id), int(last_id) + 1)]
    feed_bronze(spark, values, int(first_offset), int(first_offset))
    run_streams(spark, loaded)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
