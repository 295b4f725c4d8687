"""What only a cluster has: workers that die, executors that take nothing secret from settings.

The acceptance cases themselves run on it as they stand elsewhere: those that take `place`.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from lakehouse import tables
from lakehouse.stack.spark_cluster import SparkCluster
from tests import recordings
from tests.commands import wait_for
from tests.e2e.test_errors import NOBODY, refused
from tests.e2e.test_recorded_trades import audit, check_silver_and_gold
from tests.long import LONG
from tests.places import WORKERS, Place
from tests.seaweed import KEYS
from tests.streams import ended_well, until_taken

pytestmark = LONG
SMALL = {"MAX_ROWS_PER_BATCH": "6000", "TRIGGER_SECONDS": "1"}
WRONG = "not-the-secret"


def test_the_recorded_trades_though_a_worker_dies(
    cluster_place: Place, shared_data: Path, spark_cluster: SparkCluster
) -> None:
    place, files = cluster_place, map(str, recordings.frames(shared_data))
    run = place.start("run", "--replay", *files, "--speed", "0", "--until-idle", env=SMALL)
    try:
        until_taken(run, place.data, tables.SILVER, 1)
        lost, secret = spark_cluster.workers[0], KEYS.secret.get_secret_value()
        assert lost is not None
        executors = executor_commands(lost.pid)
        assert executors, "the work is spread over both workers"
        assert not any(secret in command for command in executors)
        os.kill(lost.pid, signal.SIGKILL)
        assert lost.wait(30), "and its executor with it"
        wait_for(lambda: spark_cluster.alive_workers() < WORKERS, 150, "the master to notice")
        ended_well(run)
    finally:
        run.kill()
        run.communicate()
    assert place.nothing_left()
    check_silver_and_gold(place, shared_data)
    total, books = sum(recordings.TRADES.values()), audit(place)
    for job in ("crypto_bronze_aggtrade", "crypto_silver_trades", "crypto_gold_minute"):
        assert books[job] == (total, total, 0, 0)

    done = place.firehose("rebuild", "gold", "--dry-run", "--format", "json")
    assert done.returncode == 0, done.stdout  # other commands work on what is left of it


@pytest.mark.parametrize(
    ("wrong", "code", "named"),
    [
        ({"SPARK_MASTER": f"spark://{NOBODY}"}, 5, "SPARK_MASTER"),
        ({"KAFKA_BOOTSTRAP_SERVERS": NOBODY}, 5, NOBODY),
        ({"LAKE_CATALOG_URI": f"http://{NOBODY}"}, 5, "LAKE_CATALOG_URI"),
        ({"LAKE_CATALOG_CREDENTIAL": f"{KEYS.access}:{WRONG}"}, 2, "LAKE_CATALOG_CREDENTIAL"),
        ({"S3_ENDPOINT": f"http://{NOBODY}"}, 5, "S3_ENDPOINT"),
        ({"S3_SECRET_KEY": WRONG}, 2, "S3_SECRET_KEY"),
    ],
)
def test_what_can_not_be_reached_or_is_refused_is_told_at_once(
    cluster_place: Place, wrong: dict[str, str], code: int, named: str
) -> None:
    place = cluster_place
    told = refused(place.folder, "run", "--simulate", env={**place.env, **wrong})
    assert told[0] == code, told[1]
    assert named in told[1] and WRONG not in told[1]


def executor_commands(worker: int) -> list[str]:
    """The command lines of a worker's executors."""
    found = []
    for process in psutil.Process(worker).children(recursive=True):
        with suppress(psutil.Error):  # one that has just ended has none
            found.append(" ".join(process.cmdline()))
    return [command for command in found if "CoarseGrainedExecutorBackend" in command]
