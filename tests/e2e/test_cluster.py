"""`firehose run` on S3, a REST catalog and a standalone cluster of two workers, as on one machine.

All of the lake is in S3, checkpoints too.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from lakehouse import settings as settings_module
from lakehouse import tables
from lakehouse.stack.process import ManagedProcess
from lakehouse.stack.seaweed import CHECKPOINTS, SeaweedServer
from lakehouse.stack.spark_cluster import SparkCluster
from tests import recordings
from tests.commands import firehose, nothing_left, start, wait_for
from tests.e2e.test_recorded_trades import audit, check_silver_and_gold
from tests.long import LONG
from tests.seaweed import KEYS, lake_there, running_seaweed
from tests.streams import ended_well, until_taken

pytestmark = LONG
WORKERS = 2
SMALL = {"SPARK_DRIVER_MEMORY": "1g", "MAX_ROWS_PER_BATCH": "6000", "TRIGGER_SECONDS": "1"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedServer]:
    with running_seaweed(tmp_path_factory.mktemp("seaweed")) as made:
        yield made


@pytest.fixture(scope="module")
def cluster(
    server: SeaweedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SparkCluster]:
    folder = tmp_path_factory.mktemp("cluster")
    there = {name.lower(): value for name, value in lake_there(server).items()}
    made = SparkCluster(
        folder,
        settings_module.load(_env_file=None, **there),
        lambda name, argv, env, grace: ManagedProcess(
            name, argv, folder / "log" / f"{name}.log", env, grace
        ),
        WORKERS,
    )
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_the_recorded_trades_though_a_worker_dies(
    tmp_path: Path, shared_data: Path, server: SeaweedServer, cluster: SparkCluster
) -> None:
    data = tmp_path / "lake"
    env = {
        **lake_there(server), **SMALL,
        "CHECKPOINT_DIR": f"{CHECKPOINTS}/recorded", "SPARK_MASTER": cluster.address,
    }  # fmt: skip
    files = map(str, recordings.frames(shared_data))
    words = ("run", "--replay", *files, "--speed", "0", "--until-idle", "--data-dir", str(data))
    run = start(tmp_path, *words, env=env)
    try:
        until_taken(run, data, tables.SILVER, 1)
        lost, secret = cluster.workers[0], KEYS.secret.get_secret_value()
        assert lost is not None
        executors = executor_commands(lost.pid)
        assert executors, "the work is spread over both workers"
        assert not any(secret in command for command in executors)
        os.kill(lost.pid, signal.SIGKILL)
        assert lost.wait(30), "and its executor with it"
        wait_for(lambda: cluster.alive_workers() < WORKERS, 150, "the master to notice")
        ended_well(run)
    finally:
        run.kill()
        run.communicate()
    assert nothing_left(data)
    check_silver_and_gold(tmp_path, data, shared_data, env)
    total, books = sum(recordings.TRADES.values()), audit(tmp_path, data, env)
    for job in ("crypto_bronze_aggtrade", "crypto_silver_trades", "crypto_gold_minute"):
        assert books[job] == (total, total, 0, 0)
    assert not list(data.glob("warehouse")) and not list(data.glob("checkpoints"))
    logs = [*data.glob("logs/*.log"), *lost.log_path.parent.glob("*.log")]
    assert not any(secret in path.read_text(errors="replace") for path in logs)

    words = ("rebuild", "gold", "--dry-run", "--format", "json", "--data-dir", str(data))
    done = firehose(tmp_path, *words, env=env)
    assert done.returncode == 0, done.stdout  # other commands work on what is left of it


def executor_commands(worker: int) -> list[str]:
    """The command lines of a worker's executors."""
    found = []
    for process in psutil.Process(worker).children(recursive=True):
        with suppress(psutil.Error):  # one that has just ended has none
            found.append(" ".join(process.cmdline()))
    return [command for command in found if "CoarseGrainedExecutorBackend" in command]
