"""What can be known to be missing before anything is started: said at once, not after a minute."""

from lakehouse import s3_probe, spark_master
from lakehouse.catalog import rest_catalog
from lakehouse.errors import ResourceError
from lakehouse.settings import Settings
from lakehouse.stack import java, kafka_probe, ports
from lakehouse.stack.embedded import require_space

_BROKER_SECONDS = 10.0
# So much is left for the parts to end in order: logs, checkpoints, the commits under way.
_LEAST_FREE_BYTES = 128 << 20


def check(settings: Settings) -> None:
    """Raise the FirehoseError of the first thing that the parts would stumble over."""
    java.find()
    if settings.producer_metrics_port:
        ports.require_free(settings.producer_metrics_port, "PRODUCER_METRICS_PORT")
    if settings.spark_metrics_port:
        ports.require_free(settings.spark_metrics_port, "SPARK_METRICS_PORT")
    if settings.kafka_bootstrap_servers:
        kafka_probe.check(settings, _BROKER_SECONDS)
    spark_master.require(settings.spark_master)
    _check_catalog(settings)
    s3_probe.require(settings)


def check_space(settings: Settings, least_bytes: int = _LEAST_FREE_BYTES) -> None:
    """ResourceError where the disk of the data folder is about to be full, or the folder gone."""
    try:
        require_space(settings.data_path, least_bytes)
    except ResourceError as error:
        raise ResourceError(
            f"The disk is full, so the run ended. {error.message}",
            "Free some space and start it again: it goes on from what is stored.",
        ) from None
    except FileNotFoundError:
        raise ResourceError(
            f"The data folder {settings.data_path} is gone, so the run ended.",
            "Start it again for a new lake, or put the folder back.",
        ) from None


def _check_catalog(settings: Settings) -> None:
    if settings.lake_catalog_type == "rest":
        rest_catalog(settings)
    else:
        settings.require_sqlite_catalog()
