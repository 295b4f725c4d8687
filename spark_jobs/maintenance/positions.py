"""How far a stream has read the table that it follows, by its checkpoint."""

import json
from typing import Final

from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from spark_jobs.maintenance.plan import Position
from spark_jobs.storage import Folder

# Spark removes the oldest files while we look.
_ATTEMPTS: Final = 3


def position(spark: SparkSession, checkpoint: str) -> Position:
    """Where the newest batch ended that the stream of this checkpoint has done.

    A batch that was begun and not done is read again from there.
    """
    why = ""
    for _ in range(_ATTEMPTS):
        try:
            folder = Folder(spark, checkpoint)
            ended = folder.numbers("commits")
            if not ended:
                return Position(None, f"no stream has come to an end of a batch in {checkpoint}")
            return _read(folder.text("offsets", str(max(ended))), checkpoint)
        except (Py4JError, PySparkException, ValueError, KeyError, IndexError) as error:
            why = str(error).splitlines()[0][:200]
    return Position(None, f"the checkpoint {checkpoint} can't be read: {why}")


def _read(text: str, checkpoint: str) -> Position:
    snapshot = int(json.loads(text.splitlines()[-1])["snapshot_id"])
    if snapshot < 0:
        return Position(None, f"the stream of {checkpoint} has read nothing yet")
    return Position(snapshot)
