"""A real S3 and a real REST catalog: they keep their data, and refuse whoever has no key."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lakehouse import settings as settings_module
from lakehouse import tables
from lakehouse.catalog import rest_catalog, table_locations
from lakehouse.errors import SettingsError, UnreachableError
from lakehouse.pipeline import monitor
from lakehouse.query import Lake
from lakehouse.settings import Settings
from lakehouse.stack.seaweed import SeaweedServer
from tests.lakes import append, create_tables, silver_row
from tests.seaweed import KEYS, lake_there, running_seaweed


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedServer]:
    with running_seaweed(tmp_path_factory.mktemp("seaweed")) as made:
        yield made


def settings_of(server: SeaweedServer, folder: Path, secret: str | None = None) -> Settings:
    there = {name.lower(): value for name, value in lake_there(server, secret).items()}
    return settings_module.load(_env_file=None, data_dir=folder, **there)


def test_a_lake_is_there_after_a_kill(server: SeaweedServer, tmp_path: Path) -> None:
    chosen = settings_of(server, tmp_path)
    catalog = rest_catalog(chosen)
    create_tables(catalog, [tables.SILVER])
    append(catalog, tables.SILVER, [silver_row(agg_id) for agg_id in range(100)])
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGKILL)
    assert server.process.wait(20)
    server.start()
    with Lake(chosen) as lake:
        assert lake.rows(f"SELECT count(*) AS n FROM {tables.SILVER}") == [{"n": 100}]
    seen = {layer.table: layer.rows for layer in monitor.layers(chosen)}
    assert seen[tables.SILVER] == 100


def test_a_wrong_secret_is_a_setting_to_mend(server: SeaweedServer, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="LAKE_CATALOG_CREDENTIAL") as told:
        table_locations(settings_of(server, tmp_path, "not-the-secret"))
    assert "not-the-secret" not in str(told.value)


def test_without_a_catalog_it_is_unreachable(server: SeaweedServer, tmp_path: Path) -> None:
    nowhere = settings_of(server, tmp_path).model_copy(
        update={"lake_catalog_uri": "http://127.0.0.1:9"}
    )
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:9"):
        table_locations(nowhere)


def test_it_listens_on_the_loopback_and_shows_no_secret(server: SeaweedServer) -> None:
    assert server.process is not None
    running = psutil.Process(server.process.pid)
    listening = [each for each in running.net_connections() if each.status == "LISTEN"]
    assert {each.laddr[0] for each in listening} == {"127.0.0.1"}
    assert KEYS.secret.get_secret_value() not in " ".join(running.cmdline())
