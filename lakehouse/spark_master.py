"""Does a standalone Spark master answer? Asked before Spark, which tries for a minute and more."""

import socket
from typing import Final
from urllib.parse import urlsplit

from lakehouse.errors import UnreachableError

_STANDALONE: Final = "spark://"
_DEFAULT_PORT: Final = 7077


def addresses(spark_master: str) -> list[tuple[str, int]]:
    """Host and port of each master in SPARK_MASTER; empty where it names no standalone one."""
    if not spark_master.startswith(_STANDALONE):
        return []
    named = spark_master.removeprefix(_STANDALONE).split(",")
    parts = [urlsplit(f"//{each}") for each in named]
    return [(each.hostname or "", each.port or _DEFAULT_PORT) for each in parts]


def require(spark_master: str, seconds: float = 5.0) -> None:
    """UnreachableError where SPARK_MASTER names standalone masters and none of them answers.

    Each is given `seconds`.
    """
    masters = addresses(spark_master)
    if masters and not any(_answers(*each, seconds) for each in masters):
        raise UnreachableError(
            f"The Spark master {spark_master} does not answer.",
            "Is it running, and is SPARK_MASTER right?",
        )


def _answers(host: str, port: int, seconds: float) -> bool:
    try:
        socket.create_connection((host, port), timeout=seconds).close()
        return True
    except OSError:
        return False
