"""`python -m benchmarks.compaction [--hours 24]`: a day of 2-second commits, before and after.

The files of the commits are written by pyarrow and registered by pyiceberg, an hour at a time:
43,200 commits would take a day. `firehose maintain` then runs as users run it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.table import Table

from benchmarks.recorded_day import rounds
from lakehouse import settings as settings_module
from lakehouse import tables
from lakehouse.query import Lake
from lakehouse.settings import Settings

SHARED: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
FILLED: Final = (tables.BRONZE, tables.SILVER)
QUERIES: Final = {
    "VWAP by symbol, an hour": (
        "SELECT symbol, sum(quote_qty) / sum(qty) FROM lake.market.crypto_silver_trades "
        "WHERE event_ts < TIMESTAMPTZ '2024-08-09 01:00:00Z' GROUP BY 1"
    ),
    "distinct ids, all": (
        "SELECT symbol, count(DISTINCT agg_id) FROM lake.market.crypto_silver_trades GROUP BY 1"
    ),
    "one trade by its id": (
        "SELECT * FROM lake.market.crypto_silver_trades "
        "WHERE symbol = 'ETHUSDT' AND agg_id = 3100001000"
    ),
}
_ROUNDS: Final = 3


def main() -> int:
    """Build the lake, maintain it, print the table."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="firehose-compaction-") as folder:
        settings = settings_module.load(data_dir=Path(folder))
        _run(settings, "spark_jobs", "migrate")
        count = _fill(settings, options.hours, options.seconds)
        before = _figures(settings)
        started = time.monotonic()
        told = _run(settings, "lakehouse.cli", "maintain", *FILLED, "--format", "json")
        took = time.monotonic() - started
        after = _figures(settings)
    print(f"{count:,} trades, {options.hours:g} hours, a file each {options.seconds:g} s")
    for name in before:
        print(f"| {name} | {before[name]} | {after[name]} |")
    print(f"firehose maintain took {took:.0f} s; {told}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--seconds", type=float, default=2.0, help="Between two commits.")
    return parser.parse_args()


def _fill(settings: Settings, hours: float, seconds: float) -> int:
    """Write and register the files; how many trades they hold."""
    catalog = _catalog(settings)
    into = {name: catalog.load_table(f"{tables.NAMESPACE}.{name}") for name in FILLED}
    written: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    count = 0
    for hour, number, rows in _commits(hours, seconds):
        count += rows.num_rows
        for name, table in into.items():
            written[name, hour].append(_write(settings, table, f"{name}-{number:06}", rows))
    for (name, _), paths in written.items():
        into[name].add_files(paths, check_duplicate_files=False)
    return count


def _commits(hours: float, seconds: float) -> Iterator[tuple[int, int, pa.Table]]:
    """Hour, number and rows of each commit; no commit holds rows of two hours."""
    number = 0
    for table in rounds(SHARED, hours):
        micros = pc.cast(table["event_ts"], pa.int64())
        slot = pc.floor(pc.divide(pc.cast(micros, pa.float64()), seconds * 1e6)).to_pylist()
        starts = [at for at in range(len(slot)) if at == 0 or slot[at] != slot[at - 1]]
        for start, end in zip(starts, [*starts[1:], len(slot)], strict=True):
            yield int(slot[start] * seconds // 3600), number, table.slice(start, end - start)
            number += 1


def _write(settings: Settings, table: Table, name: str, rows: pa.Table) -> str:
    path = settings.data_path / f"{name}.parquet"
    schema = schema_to_pyarrow(table.schema(), include_field_ids=False)
    parquet.write_table(rows.select(schema.names).cast(schema), path, compression="zstd")
    return f"file://{path}"


def _figures(settings: Settings) -> dict[str, str]:
    """What the hours that have ended are made of, and how long queries take."""
    told: dict[str, str] = {}
    for name in FILLED:
        hours = _by_hour(_catalog(settings).load_table(f"{tables.NAMESPACE}.{name}"))
        ended = [hours[hour] for hour in sorted(hours)[:-1]]
        count, size, rows = (sum(column) for column in zip(*ended, strict=True))
        told |= {
            f"{name}: files": f"{count:,}",
            f"{name}: most files of an hour": f"{max(files for files, _, _ in ended):,}",
            f"{name}: MB": f"{size / 1e6:,.1f}",
            f"{name}: bytes a trade": f"{size / rows:.1f}",
        }
    return told | {f"{name}, ms": f"{_timed(settings, sql):,.0f}" for name, sql in QUERIES.items()}


def _by_hour(table: Table) -> dict[str, tuple[int, int, int]]:
    """Files, bytes and rows of each hour."""
    found: defaultdict[str, tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
    for each in table.inspect.data_files().to_pylist():
        files, size, rows = found[str(each["partition"])]
        found[str(each["partition"])] = (
            files + 1, size + each["file_size_in_bytes"], rows + each["record_count"]
        )  # fmt: skip
    return found


def _timed(settings: Settings, sql: str) -> float:
    """Milliseconds of a query on a lake opened for it, the median of some."""
    found = []
    for _ in range(_ROUNDS):
        started = time.monotonic()
        with Lake(settings) as lake:
            assert lake.rows(sql)
        found.append((time.monotonic() - started) * 1000)
    return median(found)


def _catalog(settings: Settings) -> SqlCatalog:
    uri = f"sqlite:///{settings.catalog_db}"
    return SqlCatalog(tables.CATALOG, uri=uri, warehouse=settings.warehouse)


def _run(settings: Settings, *words: str) -> str:
    """Run a module of ours; what its steps did, if it tells of any."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        env={**os.environ, **settings.as_env()},
        stdout=subprocess.PIPE,
        check=True,
    )
    steps = json.loads(done.stdout).get("steps", [])
    return "; ".join(f"{each['table']} {each['step']} {each['did']}" for each in steps)


if __name__ == "__main__":
    sys.exit(main())
