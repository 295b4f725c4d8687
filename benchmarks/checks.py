"""What a round of checks costs beside the streams, and a full look.

`python -m benchmarks.checks [--trades N] [--commits N]`: a lake of N trades of two symbols, 100 a
second, one file for each commit and table, the streams having read all of it. A round is what
`firehose run` does every CHECK_SECONDS; before each measured one a commit comes in. CPU seconds are
those of this process, by the median of the rounds; the first round opens a window of a day.
"""

import argparse
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from lakehouse.checks.catalogue import all_checks
from lakehouse.checks.rounds import Rounds
from lakehouse.checks.runner import Bounds, look
from lakehouse.tables import AUDIT, BRONZE, GOLD, SILVER
from tests.checked_lake import QUERIES, CheckedLake

_RATE: Final = 100
_ROUNDS: Final = 5
_RECORDS: Final = """
SELECT 'binance' AS exchange, ['BTCUSDT', 'ETHUSDT'][i % 2 + 1] AS symbol, i // 2 AS agg_id,
  (60000 + i % 997)::VARCHAR || '.50000000' AS price, '0.0' || (1000000 + i % 8999999) AS qty,
  i AS first_trade_id, i AS last_trade_id, epoch_us(t) AS trade_time, epoch_us(t) AS event_time,
  i % 3 = 0 AS is_buyer_maker, epoch_us(t) AS ingest_time, 'simulated' AS source,
  1 AS schema_version, t AS event_ts, date_trunc('hour', t) AS dt_hour, 'binance.aggtrade' AS
  kafka_topic, (i % 2)::INT AS kafka_partition, i // 2 AS kafka_offset, t AS kafka_timestamp,
  t AS ingest_ts
FROM (SELECT i, to_timestamp($start) + to_microseconds(i * 1000000 // $rate) AS t
      FROM range($first, $end) AS numbers(i))
"""
_TRADES: Final = """
SELECT exchange, symbol, agg_id, price::DECIMAL(28, 8) AS price, qty::DECIMAL(28, 8) AS qty,
  (price::DECIMAL(28, 8) * qty::DECIMAL(28, 8))::DECIMAL(38, 16) AS quote_qty, first_trade_id,
  last_trade_id, is_buyer_maker, event_ts, dt_hour, source, ingest_ts FROM records
"""
_MINUTES: Final = """
SELECT exchange, symbol, date_trunc('minute', event_ts) AS minute_ts, arg_min(price, agg_id) AS
  open, max(price) AS high, min(price) AS low, arg_max(price, agg_id) AS close, sum(qty) AS volume,
  sum(quote_qty) AS quote_volume, count(*) AS trades, count(*) AS exchange_trades,
  sum(CASE WHEN is_buyer_maker THEN 0 ELSE qty END) AS taker_buy_volume,
  ((max(price) + min(price)) * 0.5)::DECIMAL(38, 12) AS vwap_1m, sum(qty) AS volume_5m,
  true AS is_final, max(event_ts) AS updated_at
FROM trades GROUP BY exchange, symbol, date_trunc('minute', event_ts)
"""


class Grown:
    """A lake that grows commit by commit; Gold is written once, for all minutes that are whole."""

    def __init__(self, folder: Path, start: datetime) -> None:
        self.lake = CheckedLake(folder)
        self._start = start.timestamp()
        self._con = duckdb.connect(config={"threads": 2})
        self._con.execute("SET TimeZone = 'UTC'")
        self._batch = 0

    def commit(self, first: int, end: int) -> None:
        """The trades from number `first` to before `end`, in Bronze, Silver and the audit."""
        values = {"start": self._start, "rate": _RATE, "first": first, "end": end}
        records = self._con.execute(_RECORDS, values).to_arrow_table()
        self._con.register("records", records)
        self._append(BRONZE, records)
        self._append(SILVER, self._con.execute(_TRADES).to_arrow_table())
        self._audit(end - first)

    def count_minutes(self, trades: int) -> None:
        """Gold of the first `trades`."""
        values = {"start": self._start, "rate": _RATE, "first": 0, "end": trades}
        self._con.register("records", self._con.execute(_RECORDS, values).to_arrow_table())
        self._con.register("trades", self._con.execute(_TRADES).to_arrow_table())
        self._append(GOLD, self._con.execute(_MINUTES).to_arrow_table())

    def silver_reads_on(self) -> None:
        """Silver's stream has read all of Bronze."""
        snapshot = self.lake.table(BRONZE).current_snapshot()
        assert snapshot is not None
        self.lake.checkpoint(SILVER, snapshot.snapshot_id)

    def _audit(self, rows: int) -> None:
        at = datetime.now(UTC)
        counts: dict[str, Any] = {"rows_in": rows, "rows_out": rows, "dq_pass": rows}
        counts |= dict.fromkeys(("rows_duplicate", "rows_late", "dq_fail"), 0)
        same = {"batch_id": self._batch, "started_at": at, "finished_at": at, "status": "ok"}
        jobs = [{"job": job, "query_id": query} for job, query in QUERIES.items()]
        self.lake.writer.append(AUDIT, [{**job, **same, **counts} for job in jobs])
        self._batch += 1

    def _append(self, name: str, rows: pa.Table) -> None:
        table = self.lake.table(name)
        schema = table.schema().as_arrow()
        empty = pa.nulls(rows.num_rows)
        columns = [
            (rows.column(field.name) if field.name in rows.column_names else empty).cast(field.type)
            for field in schema
        ]
        table.append(pa.Table.from_arrays(columns, schema=schema))


def measure(grown: Grown, trades: int, step: int) -> list[tuple[str, float, float]]:
    """(what, CPU seconds, seconds)."""
    rounds = Rounds(grown.lake.settings.model_copy(update={"freshness_seconds": 1e6}), print)
    found = [timed("first round: a window of a day", rounds)]
    for number in range(_ROUNDS):
        grown.commit(trades + number * step, trades + (number + 1) * step)
        grown.silver_reads_on()  # Gold's stream does not: its minutes are under way
        found.append(timed("round", rounds))
    cpu = statistics.median(row[1] for row in found[1:])
    wall = statistics.median(row[2] for row in found[1:])
    began, used = time.monotonic(), time.process_time()
    look(grown.lake.settings, all_checks(), Bounds.of(grown.lake.settings, datetime.now(UTC), None))
    full = ("firehose check --full", time.process_time() - used, time.monotonic() - began)
    return [found[0], ("a round after it, median", cpu, wall), full]


def timed(what: str, rounds: Rounds) -> tuple[str, float, float]:
    """One round; what it finds fault with is told."""
    began, used = time.monotonic(), time.process_time()
    for news in rounds.look(datetime.now(UTC)):
        print(f"{what}: {news.subject.title}: {news.subject.reason[:200]}")
    return what, time.process_time() - used, time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trades", type=int, default=1_000_000)
    parser.add_argument("--commits", type=int, default=400)
    wanted = parser.parse_args()
    step = wanted.trades // wanted.commits
    trades = step * wanted.commits
    with tempfile.TemporaryDirectory(prefix="firehose-checks-") as folder:
        start = datetime.now(UTC) - timedelta(seconds=trades / _RATE)
        grown = Grown(Path(folder) / "lake", start.replace(second=0, microsecond=0))
        for first in range(0, trades, step):
            grown.commit(first, first + step)
        grown.count_minutes(trades)
        grown.lake.read_all()
        table = Table("what", title=f"{trades:,} trades in {wanted.commits:,} commits")
        for name in ("CPU s", "s"):
            table.add_column(name, justify="right")
        for what, cpu, wall in measure(grown, trades, step):
            table.add_row(what, f"{cpu:.2f}", f"{wall:.2f}")
        Console(width=100).print(table)


if __name__ == "__main__":
    main()
