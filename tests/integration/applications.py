"""The Spark application as a process on a lake that has no broker: Bronze is filled by the test."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
from pyarrow import parquet
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import schema_to_pyarrow

from lakehouse import settings as settings_module
from lakehouse import tables
from lakehouse.catalog import rest_catalog
from lakehouse.query import Lake
from lakehouse.settings import Settings
from tests.commands import environment, wait_for
from tests.lakes import Row, record

JOBS = (tables.SILVER, tables.GOLD)
START = 1_723_161_600_000_000  # 2024-08-09, µs UTC
_READY_SECONDS = 900.0
_END_SECONDS = 600.0


@dataclass
class App:
    """One `python -m spark_jobs run`."""

    process: subprocess.Popen[bytes]
    status_file: Path
    log: Path

    def status(self) -> dict[str, Any]:
        """What it tells; empty before its streams run."""
        try:
            return cast(dict[str, Any], json.loads(self.status_file.read_bytes()))
        except (OSError, ValueError):
            return {}

    def job(self, name: str) -> dict[str, Any]:
        """The part of one job."""
        return cast(dict[str, Any], self.status().get("jobs", {}).get(name, {}))

    def until_ready(self) -> None:
        """Wait until its streams run; fails where it ends before."""
        wait_for(lambda: self.status() or self.ended, _READY_SECONDS, "the streams to start")
        assert not self.ended, self.text()

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def text(self) -> str:
        """Its log."""
        return self.log.read_text(errors="replace")

    def drained(self) -> None:
        """It finishes what is there and ends well."""
        self.process.send_signal(signal.SIGUSR1)
        assert self.process.wait(_END_SECONDS) == 0, self.text()

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Hit it and all that it started."""
        os.killpg(self.process.pid, number)


@contextmanager
def application(settings: Settings, jobs: Sequence[str] = JOBS, name: str = "app") -> Iterator[App]:
    """Start one; whatever the test does, nothing of it is left afterwards."""
    settings.data_path.mkdir(exist_ok=True)
    status, log = settings.data_path / f"{name}.json", settings.data_path / f"{name}.log"
    words = [word for job in jobs for word in ("--job", job)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "spark_jobs", "run", *words, "--status-file", str(status)],
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment(settings.as_env()),
            start_new_session=True,
        )
    try:
        yield App(process, status, log)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ended_with(app: App, code: int) -> str:
    """The one sentence that it told."""
    assert app.process.wait(_END_SECONDS) == code, app.text()
    [told] = [line for line in app.text().splitlines() if line.startswith("error: ")]
    # Spark and pyspark log tracebacks of what they met; ours would be the end of the log.
    assert "Traceback" not in app.text().rpartition(told)[2]
    return told


def lake_settings(folder: Path, **more: object) -> Settings:
    """Small, quick, and deaf to the settings of whoever runs the tests."""
    wanted = {"trigger_seconds": 0.5, "spark_driver_memory": "1g", "writer_lease_seconds": 20}
    return settings_module.load(_env_file=None, **{"data_dir": folder, **wanted, **more})


def feed(settings: Settings, first: int, count: int) -> None:
    """One commit of Bronze: trades `first` to `first + count - 1`, one a second, in one hour."""
    feed_rows(settings, [bronze_row(n, START + n * 1_000_000) for n in range(first, first + count)])


def feed_rows(settings: Settings, trades: Sequence[Row]) -> None:
    """One commit of Bronze with these rows, all of one hour."""
    bronze = _catalog(settings).load_table(f"{tables.NAMESPACE}.{tables.BRONZE}")
    schema = schema_to_pyarrow(bronze.schema(), include_field_ids=False)
    full = [{name: row.get(name) for name in schema.names} for row in trades]
    in_s3 = settings.warehouse.startswith("s3://")
    folder = f"{bronze.location()}/data" if in_s3 else f"file://{settings.data_path}"
    path = f"{folder}/bronze-{uuid.uuid4().hex[:8]}.parquet"
    with bronze.io.new_output(path).create() as file:
        parquet.write_table(pa.Table.from_pylist(full, schema=schema), file)
    # An append would need pyiceberg's Rust part for the hourly partitions.
    bronze.add_files([path])


def _catalog(settings: Settings) -> Catalog:
    if settings.lake_catalog_type == "rest":
        return rest_catalog(settings)
    uri = f"sqlite:///{settings.catalog_db}"
    return SqlCatalog(tables.CATALOG, uri=uri, warehouse=settings.warehouse)


def rows(settings: Settings, sql: str) -> list[dict[str, Any]]:
    """The rows of a query on the lake."""
    with Lake(settings) as lake:
        return lake.rows(sql)


def silver_ids(settings: Settings) -> list[int]:
    """Every id in Silver, twice where it stands twice."""
    found = rows(settings, "SELECT agg_id FROM lake.market.crypto_silver_trades ORDER BY agg_id")
    return [row["agg_id"] for row in found]


def bronze_row(agg_id: int, at: int, price: str = "100.5", qty: str = "2") -> Row:
    """A trade of BTCUSDT at `at` (µs UTC); its offset in Kafka is its id."""
    return record(
        agg_id, agg_id, price=price, qty=qty, first_trade_id=agg_id, last_trade_id=agg_id,
        trade_time=at, event_time=at, ingest_time=at, is_buyer_maker=False, source="simulated",
        schema_version=1, event_ts=_instant(at), dt_hour=_instant(at - at % 3_600_000_000),
        ingest_ts=_instant(at),
    )  # fmt: skip


def _instant(micros: int) -> datetime:
    return datetime.fromtimestamp(micros // 1_000_000, UTC)
