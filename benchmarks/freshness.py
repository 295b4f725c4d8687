"""How long after a trade Gold shows it: the whole stack live at a fixed rate.

`python -m benchmarks.freshness [--rate R] [--seconds S]`: `firehose run --simulate` as a user
starts it. A trade is visible when the Gold batch that holds it has been committed; which one that
is, ops_audit tells: Gold works Silver off in order. The first half minute is not counted.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lakehouse import settings as settings_module
from lakehouse.query import Lake

WARM_UP_SECONDS = 45
# Trades in the order of Silver against the running count of what Gold has taken in.
_LATENCIES = """
WITH trades AS (
  SELECT event_ts, row_number() OVER (ORDER BY event_ts, symbol, agg_id) AS n
  FROM lake.market.crypto_silver_trades
), visible AS (
  SELECT finished_at, sum(rows_in) OVER (ORDER BY batch_id) AS upto
  FROM lake.market.ops_audit
  WHERE job = 'crypto_gold_minute' AND status = 'ok' AND rows_in > 0
), seen AS (
  SELECT event_ts, epoch_ms(finished_at) - epoch_ms(event_ts) AS ms
  FROM trades ASOF JOIN visible ON trades.n <= visible.upto
)
SELECT count(*) AS trades, quantile_disc(ms, 0.5) AS p50, quantile_disc(ms, 0.95) AS p95,
       quantile_disc(ms, 0.99) AS p99, max(ms) AS worst
FROM seen
WHERE event_ts > (SELECT min(event_ts) FROM seen) + to_seconds($warm_up)
"""


def run(rate: float, seconds: float) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        firehose = Path(sys.executable).with_name("firehose")
        words = ["run", "--simulate", "--rate", str(rate), "--data-dir", folder]
        process = subprocess.Popen([str(firehose), *words])
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            process.wait(120)
        with Lake(settings_module.load(data_dir=Path(folder))) as lake:
            [found] = lake.rows(_LATENCIES, {"warm_up": WARM_UP_SECONDS})
    drawn = Table("trades/s", "trades", title="Trade time to visible in Gold, seconds")
    for name in ("p50", "p95", "p99", "worst"):
        drawn.add_column(name, justify="right")
    figures = (f"{found[name] / 1000:.1f}" for name in ("p50", "p95", "p99", "worst"))
    drawn.add_row(f"{rate:,.0f}", f"{found['trades']:,}", *figures)
    Console().print(drawn)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=500.0)
    parser.add_argument("--seconds", type=float, default=180.0)
    options = parser.parse_args()
    run(options.rate, options.seconds)


if __name__ == "__main__":
    main()
