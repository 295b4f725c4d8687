"""Real services for the integration tests."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.settings import load


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of a real broker: a container where Docker runs, else a child process.

    TEST_KAFKA_BOOTSTRAP_SERVERS names one that already runs, to save its start in development.
    """
    if running := os.environ.get("TEST_KAFKA_BOOTSTRAP_SERVERS"):
        yield running
    elif _docker_runs():
        yield from _container()
    else:
        yield from _process(tmp_path_factory.mktemp("kafka"))


def _docker_runs() -> bool:
    if shutil.which("docker") is None:
        return False
    asked = subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False)
    return asked.returncode == 0


def _container() -> Iterator[str]:
    from testcontainers.kafka import KafkaContainer

    with KafkaContainer().with_kraft() as broker:
        yield broker.get_bootstrap_server()


def _process(folder: Path) -> Iterator[str]:
    from lakehouse.stack import Stack

    with Stack(load(data_dir=folder), print) as stack:
        yield stack.start_kafka()
