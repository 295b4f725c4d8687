"""The Spark session: catalog, storage and the settings that exactness needs."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from lakehouse import kafka_security, tables
from lakehouse.s3_names import aws_variables
from lakehouse.settings import Settings
from spark_jobs import cluster, migrations, s3_checkpoints, trust

_CATALOG = f"spark.sql.catalog.{tables.CATALOG}"
_CREDENTIAL = "LAKE_CATALOG_CREDENTIAL"
_POOLS = Path(__file__).with_name("pools.xml")


def build(settings: Settings, jars: Sequence[Path], app_name: str) -> SparkSession:
    """A session on SPARK_MASTER with the catalog `lake`.

    UnreachableError where the master does not answer, ResourceError where it gives no executor.
    """
    export_credentials(settings)
    cluster.prepare(settings)
    builder = SparkSession.builder.appName(app_name).master(settings.spark_master)
    for key, value in configuration(settings, jars).items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    try:
        cluster.require_executors(spark, settings)
    except BaseException:
        spark.stop()
        raise
    return spark


@contextmanager
def of_this_thread(spark: SparkSession, pool: str) -> Iterator[SparkSession]:
    """A session with settings and temporary views of its own, its jobs in the pool `pool`.

    It is the thread's active one meanwhile: Iceberg asks that one for catalogs, and a thread that
    was begun in Python has none.
    """
    own = spark.newSession()
    own.sparkContext.setLocalProperty("spark.scheduler.pool", pool)
    jvm: Any = own.sparkContext._jvm
    sessions = SparkSession._get_j_spark_session_class(jvm)
    before = sessions.getActiveSession()
    sessions.setActiveSession(own._jsparkSession)
    try:
        yield own
    finally:
        if before.isDefined():
            sessions.setActiveSession(before.get())
        else:
            sessions.clearActiveSession()


def configuration(settings: Settings, jars: Sequence[Path]) -> dict[str, str]:
    """Every Spark setting of the project."""
    trusted = trust.java_options(settings)
    return (
        _engine(settings, jars, trusted)
        | cluster.configuration(settings, trusted)
        | _catalog(settings)
        | s3_checkpoints.configuration(settings)
    )


def create_tables(spark: SparkSession) -> migrations.Outcome:
    """Namespace and tables: made where they are missing, migrated where they are older.

    SettingsError where the lake is of a newer version, or can't be migrated.
    """
    spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {tables.CATALOG}.{tables.NAMESPACE}")
    return migrations.bring_up(spark)


def _engine(settings: Settings, jars: Sequence[Path], trusted: str) -> dict[str, str]:
    return {
        "spark.jars": ",".join(str(jar) for jar in jars),
        "spark.driver.memory": settings.spark_driver_memory,
        # Java does not look at TMPDIR by itself.
        "spark.driver.extraJavaOptions": (
            f'-XX:+UseG1GC -Duser.timezone=UTC "-Djava.io.tmpdir={tempfile.gettempdir()}"{trusted}'
        ),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.scheduler.mode": "FAIR",
        "spark.scheduler.allocation.file": str(_POOLS),
        "spark.sql.session.timeZone": "UTC",
        # Spark's default gives up decimals to keep digits: 28.8 x 28.8 would round at 6 decimals.
        "spark.sql.decimalOperations.allowPrecisionLoss": "false",
        "spark.sql.shuffle.partitions": str(max(2, os.cpu_count() or 2)),
        "spark.sql.extensions": (
            "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
        ),
        "spark.sql.streaming.stopTimeout": "60000",
        # What plans, logs, events and pages show of options and settings.
        "spark.redaction.regex": kafka_security.REDACTED,
        "spark.sql.redaction.options.regex": f"{kafka_security.REDACTED}|url",
        # How often a stream that follows a table looks for a new commit; 10 ms by default.
        "spark.sql.streaming.pollingDelay": "200ms",
    }


def _catalog(settings: Settings) -> dict[str, str]:
    conf = {
        _CATALOG: "org.apache.iceberg.spark.SparkCatalog",
        f"{_CATALOG}.warehouse": settings.warehouse,
        # A cached table is a stale table: Gold must see what Silver committed a moment ago.
        f"{_CATALOG}.cache-enabled": "false",
        # Manifests never change, and a batch would read the newest hundred of them again.
        f"{_CATALOG}.io.manifest.cache-enabled": "true",
        "spark.sql.defaultCatalog": tables.CATALOG,
    }
    conf |= _sql_catalog(settings) if settings.lake_catalog_type == "sql" else _rest(settings)
    return conf | (_s3(settings) if settings.warehouse.startswith("s3://") else {})


def _sql_catalog(settings: Settings) -> dict[str, str]:
    settings.require_sqlite_catalog()
    return {
        f"{_CATALOG}.type": "jdbc",
        # Several streams commit at once: wait for the file's lock instead of failing.
        f"{_CATALOG}.uri": f"jdbc:sqlite:{settings.catalog_db}?busy_timeout=30000&journal_mode=WAL",
        f"{_CATALOG}.jdbc.schema-version": "V1",
    }


def _rest(settings: Settings) -> dict[str, str]:
    conf = {
        f"{_CATALOG}.type": "rest",
        f"{_CATALOG}.uri": settings.lake_catalog_uri,
        # By default a catalog that accepts a connection and says nothing is waited for for ever.
        f"{_CATALOG}.rest.client.connection-timeout-ms": "10000",
        f"{_CATALOG}.rest.client.socket-timeout-ms": "60000",
    }
    if settings.lake_catalog_credential.get_secret_value():
        conf[f"{_CATALOG}.rest.auth.type"] = "oauth2"
        conf[f"{_CATALOG}.credential"] = f"env:{_CREDENTIAL}"
        token_address = f"{settings.lake_catalog_uri.rstrip('/')}/v1/oauth/tokens"
        conf[f"{_CATALOG}.oauth2-server-uri"] = token_address
    return conf


def _s3(settings: Settings) -> dict[str, str]:
    conf = {
        f"{_CATALOG}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        f"{_CATALOG}.client.region": settings.s3_region,
    }
    if settings.s3_endpoint:
        conf[f"{_CATALOG}.s3.endpoint"] = settings.s3_endpoint
        conf[f"{_CATALOG}.s3.path-style-access"] = "true"
    return conf


def export_credentials(settings: Settings) -> None:
    """Hand the S3 keys to the AWS client, and LAKE_CATALOG_CREDENTIAL to Iceberg's."""
    # By the environment, not by Spark's configuration: that one is shown in logs, in pages, and
    # on the JVM's command line. Iceberg reads `env:NAME` there.
    if settings.s3_access_key.get_secret_value():
        os.environ |= aws_variables(settings)
    if credential := settings.lake_catalog_credential.get_secret_value():
        os.environ[_CREDENTIAL] = credential
