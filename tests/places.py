"""Where a case runs: on one machine's embedded stack, or on S3, a REST catalog and a Spark cluster.

A case that takes the fixture `place` is written once and runs in both. On the cluster it is LONG.
"""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import pytest

from lakehouse import settings as settings_module
from lakehouse.settings import Settings
from lakehouse.stack.process import ManagedProcess
from lakehouse.stack.seaweed import CHECKPOINTS
from lakehouse.stack.spark_cluster import SparkCluster
from tests import commands
from tests.long import LONG
from tests.seaweed import KEYS, lake_there, running_seaweed

WORKERS: Final = 2
_REGISTERED_SECONDS: Final = 150.0
# Their lives are short: what the second compiler wins in an hour it costs in the first minutes.
_QUICK_START: Final = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1"}


@dataclass(frozen=True)
class Place:
    """A lake that is empty at first: the folder to type commands in, and the settings of all."""

    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """The data folder; on the cluster it holds Kafka and the logs, and nothing of the lake."""
        return self.folder / "lake"

    @property
    def settings(self) -> Settings:
        """For looking at the lake from here."""
        here = {name.lower(): value for name, value in self.env.items()}
        return settings_module.load(_env_file=None, data_dir=self.data, **here)

    def start(
        self, *words: str, env: Mapping[str, str] | None = None, under: Sequence[str] = ()
    ) -> subprocess.Popen[str]:
        """`firehose WORDS` in the background; `env` goes over the place's settings."""
        return commands.start(self.folder, *self._here(words), env=self._with(env), under=under)

    def firehose(
        self, *words: str, env: Mapping[str, str] | None = None, seconds: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """`firehose WORDS` to its end."""
        words = self._here(words)
        return commands.firehose(self.folder, *words, env=self._with(env), seconds=seconds)

    def query(self, sql: str) -> list[dict[str, Any]]:
        """The rows of `firehose sql`, as its JSON gives them."""
        return commands.query(self.folder, self.data, sql, self.env)

    def nothing_left(self, seconds: float = 15) -> bool:
        """Whether every process of a command is gone within a time."""
        return commands.nothing_left(self.data, seconds)

    def _here(self, words: Sequence[str]) -> tuple[str, ...]:
        return (*words, "--data-dir", str(self.data))

    def _with(self, env: Mapping[str, str] | None) -> dict[str, str]:
        return {**self.env, **(env or {})}


@pytest.fixture(scope="session")
def spark_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    """A standalone master and its workers, which hold S3's keys; shared, as its start is slow."""
    folder = tmp_path_factory.mktemp("cluster")
    keys = {"s3_access_key": KEYS.access, "s3_secret_key": KEYS.secret}
    made = SparkCluster(
        folder,
        settings_module.load(_env_file=None, **keys),
        lambda name, argv, env, grace: ManagedProcess(
            name, argv, folder / "log" / f"{name}.log", {**env, **_QUICK_START}, grace
        ),
        WORKERS,
    )
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def embedded_place(tmp_path: Path) -> Place:
    """Kafka, a SQLite catalog, a folder and a local Spark: what a command has without settings."""
    return Place(tmp_path)


@pytest.fixture
def cluster_place(tmp_path: Path, spark_cluster: SparkCluster) -> Iterator[Place]:
    """An S3 and a REST catalog of the case's own, with checkpoints, and both workers there."""
    complete(spark_cluster)
    (tmp_path / "seaweed").mkdir()
    with running_seaweed(tmp_path / "seaweed") as server:
        there = {
            "CHECKPOINT_DIR": f"{CHECKPOINTS}/of-this-lake",
            "SPARK_MASTER": spark_cluster.address,
            "SPARK_DRIVER_MEMORY": "1g",
        }
        place = Place(tmp_path, {**lake_there(server), **there, **_QUICK_START})
        yield place
    beside = [*place.data.glob("warehouse"), *place.data.glob("checkpoints")]
    assert not beside, "nothing of the lake lies beside S3"
    assert not tell_the_secret([*place.data.glob("logs/*.log"), *cluster_logs(spark_cluster)])


@pytest.fixture(params=["embedded", pytest.param("cluster", marks=LONG)])
def place(request: pytest.FixtureRequest) -> Place:
    """Each of the two places."""
    return cast(Place, request.getfixturevalue(f"{request.param}_place"))


def complete(cluster: SparkCluster) -> None:
    """Start again the workers that a case has ended."""
    for number, worker in enumerate(cluster.workers):
        if worker is None or not worker.alive:
            cluster.start_worker(number)
    commands.wait_for(
        lambda: cluster.alive_workers() == WORKERS, _REGISTERED_SECONDS, "all workers"
    )


def cluster_logs(cluster: SparkCluster) -> list[Path]:
    """What the master and the workers have written so far."""
    folders = {process.log_path.parent for process in cluster.workers if process is not None}
    return [path for folder in folders for path in folder.glob("*.log")]


def tell_the_secret(paths: Sequence[Path]) -> list[Path]:
    """The files that hold S3's secret key."""
    secret = KEYS.secret.get_secret_value()
    return [path for path in paths if secret in path.read_text(errors="replace")]
