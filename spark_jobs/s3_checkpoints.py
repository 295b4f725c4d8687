"""Checkpoints on S3: Hadoop's S3A, told where S3 is; the keys come from the environment.

Rename is a copy on S3, so Spark's own way of writing a checkpoint (a temporary file, renamed) is
neither atomic nor quick there. Here a file is one PUT that appears whole or not at all.
"""

from typing import Final

from lakehouse.s3_names import on_s3
from lakehouse.settings import Settings

_S3A: Final = "spark.hadoop.fs.s3a"
_MANAGER: Final = "org.apache.spark.internal.io.cloud.AbortableStreamBasedCheckpointFileManager"


def configuration(settings: Settings) -> dict[str, str]:
    """Spark's settings for CHECKPOINT_DIR=s3://…; nothing where it is a folder."""
    if not on_s3(settings.checkpoints):
        return {}
    conf = {
        "spark.sql.streaming.checkpointFileManagerClass": _MANAGER,
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.hadoop.fs.AbstractFileSystem.s3.impl": "org.apache.hadoop.fs.s3a.S3A",
        # As Iceberg finds them: the environment, then whatever the machine has of its own.
        f"{_S3A}.aws.credentials.provider": (
            "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"
        ),
        f"{_S3A}.endpoint.region": settings.s3_region,
        # A stream that fails is started again: no need to try for minutes within one request.
        f"{_S3A}.attempts.maximum": "3",
        f"{_S3A}.retry.limit": "4",
        f"{_S3A}.connection.establish.timeout": "15s",  # S3A takes no less
        f"{_S3A}.connection.timeout": "60s",
    }
    if settings.s3_endpoint:
        conf[f"{_S3A}.endpoint"] = settings.s3_endpoint
        conf[f"{_S3A}.path.style.access"] = "true"
    return conf
