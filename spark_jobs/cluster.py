"""A cluster of Spark: how executors find the driver, what they are given, and whether they come.

Nothing secret is among the settings: executors take S3's keys from their worker's environment.
"""

import os
import time
from typing import Final

import structlog
from pyspark.sql import SparkSession

from lakehouse import spark_master
from lakehouse.errors import ResourceError
from lakehouse.loopback import is_loopback
from lakehouse.settings import Settings

_LOOPBACK: Final = "127.0.0.1"
_EXECUTOR_SECONDS: Final = 90.0
_POLL_SECONDS: Final = 0.25
log = structlog.get_logger(__name__)


def configuration(settings: Settings, trusted: str) -> dict[str, str]:
    """The driver's address, and where the master is not local, what an executor is given.

    `trusted`: trust.java_options.
    """
    found: dict[str, str] = {}
    if host := driver_host(settings):
        found |= {"spark.driver.host": host, "spark.driver.bindAddress": host}
    if settings.spark_master.startswith("local"):
        return found
    found["spark.executor.memory"] = settings.spark_executor_memory
    # No java.io.tmpdir: the folder would have to be there on every machine.
    options = f"-XX:+UseG1GC -Duser.timezone=UTC{trusted}"
    found["spark.executor.extraJavaOptions"] = options
    if settings.spark_max_cores:
        # By default the streams would take all cores, and a rebuild beside them wait for ever.
        found["spark.cores.max"] = str(settings.spark_max_cores)
    return found


def driver_host(settings: Settings) -> str:
    """Where executors find the driver; empty where that is left to Spark: the host's own name."""
    if settings.spark_driver_host:
        return settings.spark_driver_host
    hosts = [host for host, _ in spark_master.addresses(settings.spark_master)]
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
    spark_master.require(settings.spark_master)
    if spark_master.addresses(settings.spark_master) and settings.warehouse.startswith("file:"):
        log.warning(
            "files_on_a_cluster", warehouse=settings.warehouse,
            meaning="every worker must see this very folder; else set LAKE_WAREHOUSE to s3://",
        )  # fmt: skip


def require_executors(spark: SparkSession, settings: Settings, seconds: float = 0) -> None:
    """Return when a standalone master has given the first executor.

    ResourceError where it gives none: Spark itself would wait for ever, and warn in its log.
    """
    if not spark_master.addresses(settings.spark_master):
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
