"""A cluster of Spark: how executors find the driver, what they are given, and whether they come.

Nothing secret is among the settings: executors take S3's keys from their worker's environment.
"""

import os
import socket
import time
from typing import Final
from urllib.parse import urlsplit

import structlog
from pyspark.sql import SparkSession

from lakehouse.errors import ResourceError, UnreachableError
from lakehouse.loopback import is_loopback
from lakehouse.settings import Settings

_STANDALONE: Final = "spark://"
_LOOPBACK: Final = "127.0.0.1"
_CONNECT_SECONDS: Final = 5.0
_EXECUTOR_SECONDS: Final = 90.0
_POLL_SECONDS: Final = 0.25
log = structlog.get_logger(__name__)


def configuration(settings: Settings) -> dict[str, str]:
    """The driver's address, and where the master is not local, what an executor is given."""
    found: dict[str, str] = {}
    if host := driver_host(settings):
        found |= {"spark.driver.host": host, "spark.driver.bindAddress": host}
    if settings.spark_master.startswith("local"):
        return found
    found["spark.executor.memory"] = settings.spark_executor_memory
    # No java.io.tmpdir: the folder would have to be there on every machine.
    found["spark.executor.extraJavaOptions"] = "-XX:+UseG1GC -Duser.timezone=UTC"
    if settings.spark_max_cores:
        # By default the streams would take all cores, and a rebuild beside them wait for ever.
        found["spark.cores.max"] = str(settings.spark_max_cores)
    return found


def driver_host(settings: Settings) -> str:
    """Where executors find the driver; empty where that is left to Spark: the host's own name."""
    if settings.spark_driver_host:
        return settings.spark_driver_host
    hosts = [host for host, _ in _masters(settings)]
    local = settings.spark_master.startswith("local")
    on_this_machine = hosts and all(is_loopback(host) for host in hosts)
    return _LOOPBACK if local or on_this_machine else ""


def prepare(settings: Settings) -> None:
    """Look for the master, and keep Spark on the loopback where nothing is beyond it.

    UnreachableError where no master answers: Spark itself would try for a minute, then tell in a
    traceback.
    """
    if is_loopback(driver_host(settings)):
        os.environ.setdefault("SPARK_LOCAL_IP", _LOOPBACK)
    masters = _masters(settings)
    if masters and not any(_answers(host, port) for host, port in masters):
        raise UnreachableError(
            f"The Spark master {settings.spark_master} does not answer.",
            "Is it running, and is SPARK_MASTER right?",
        )
    if masters and settings.warehouse.startswith("file:"):
        log.warning(
            "files_on_a_cluster", warehouse=settings.warehouse,
            meaning="every worker must see this very folder; else set LAKE_WAREHOUSE to s3://",
        )  # fmt: skip


def require_executors(spark: SparkSession, settings: Settings, seconds: float = 0) -> None:
    """Return when a standalone master has given the first executor.

    ResourceError where it gives none: Spark itself would wait for ever, and warn in its log.
    """
    if not _masters(settings):
        return
    deadline = time.monotonic() + (seconds or _EXECUTOR_SECONDS)
    while not _executors(spark):
        if time.monotonic() > deadline:
            raise ResourceError(
                f"The Spark master {settings.spark_master} gives no executor.",
                "Does its page show a worker with a free core and SPARK_EXECUTOR_MEMORY "
                f"({settings.spark_executor_memory}) free? Each application takes up to "
                "SPARK_MAX_CORES; executors must reach the driver at SPARK_DRIVER_HOST.",
            )
        time.sleep(_POLL_SECONDS)


def _executors(spark: SparkSession) -> int:
    context = spark.sparkContext._jsc
    assert context is not None
    return int(context.sc().getExecutorMemoryStatus().size()) - 1  # the driver is among them


def _masters(settings: Settings) -> list[tuple[str, int]]:
    """Host and port of each standalone master; empty where SPARK_MASTER names none."""
    if not settings.spark_master.startswith(_STANDALONE):
        return []
    named = settings.spark_master.removeprefix(_STANDALONE).split(",")
    parts = [urlsplit(f"//{each}") for each in named]
    return [(each.hostname or "", each.port or 7077) for each in parts]


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
        return True
    except OSError:
        return False
