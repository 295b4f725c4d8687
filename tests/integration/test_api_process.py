"""`firehose api` as a process, on lakes that get commits while it serves."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from lakehouse import settings as settings_module
from lakehouse import tables
from lakehouse.api.refresher import Refresher
from lakehouse.catalog import rest_catalog
from lakehouse.settings import Settings
from lakehouse.stack.process import ManagedProcess
from lakehouse.stack.seaweed import WAREHOUSE, Keys, SeaweedServer
from tests.api_process import PATIENCE_SECONDS, Environment, running, until
from tests.gold_lakes import NAMES, batch_row, gold_row
from tests.lakes import LakeWriter, append, create_tables


def test_a_process_follows_a_lake_that_grows(tmp_path: Path) -> None:
    writer = LakeWriter(tmp_path / "lake", NAMES)
    ready_file = tmp_path / "ready.json"
    words = ("--ready-file", str(ready_file))
    with running(tmp_path / "lake", {}, *words) as (_, url), httpx.Client(base_url=url) as client:
        assert json.loads(ready_file.read_text())["url"] == url
        until(lambda: client.get("/health/ready").status_code == 200)
        empty = client.get("/v1/pulse")
        assert (empty.status_code, empty.json()["code"]) == (503, "lake_empty")
        tags = set()
        for minute in range(3):
            writer.append(tables.GOLD, [gold_row(minute, price=str(100 + minute))])
            writer.append(tables.AUDIT, [batch_row(minute)])
            wanted = f"{100 + minute}.00000000"
            found = until(lambda: has_price(client, wanted))  # noqa: B023
            tags.add(found.headers["etag"])
        assert len(tags) == 3
        rows = client.get("/v1/minutes", params={"symbol": "BTCUSDT"}).json()["minutes"]
        assert [row["close"] for row in rows] == [f"{n}.00000000" for n in (100, 101, 102)]
        until(lambda: len(client.get("/v1/audit").json()["batches"]) == 3)
        page = client.get("/metrics").text
        refreshes = re.search(r"^firehose_api_refreshes (\d+)", page, flags=re.MULTILINE)
        assert refreshes is not None and int(refreshes[1]) >= 4


def has_price(client: httpx.Client, wanted: str) -> httpx.Response | None:
    found = client.get("/v1/pulse")
    here = found.status_code == 200 and found.json()["symbols"][0]["price"] == wanted
    return found if here else None


def test_the_key_is_wanted_and_shown_nowhere(tmp_path: Path) -> None:
    writer = LakeWriter(tmp_path / "lake", NAMES)
    writer.append(tables.GOLD, [gold_row(0)])
    key = {"X-API-Key": "open-sesame"}
    settings = {"API_KEY": "open-sesame", "API_HOST": "0.0.0.0"}
    with running(tmp_path / "lake", settings) as (_, url):
        local = url.replace("0.0.0.0", "127.0.0.1")
        with httpx.Client(base_url=local) as client:
            until(lambda: client.get("/health/ready", headers=key).status_code == 200)
            assert client.get("/v1/pulse").status_code == 401
            assert client.get("/v1/pulse", headers=key).status_code == 200


@pytest.mark.parametrize(
    ("settings", "code", "sentence"),
    [
        ({"API_HOST": "0.0.0.0"}, 2, "API_KEY"),
        ({"API_HOST": "256.1.1.1", "API_KEY": "k"}, 4, "can't be listened on"),
    ],
)
def test_what_can_not_be_served_is_one_sentence(
    tmp_path: Path, settings: Environment, code: int, sentence: str
) -> None:
    firehose = str(Path(sys.executable).with_name("firehose"))
    done = subprocess.run(
        [firehose, "api", "--data-dir", str(tmp_path)],
        env={**os.environ, "API_PORT": "0", **settings},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in done.stderr and "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A lake in S3 behind a REST catalog."""
    folder, keys = tmp_path_factory.mktemp("api-rest"), Keys("lake", SecretStr("a-long-secret"))
    server = SeaweedServer(
        folder / "data",
        keys,
        lambda name, argv, env, grace: ManagedProcess(name, argv, folder / "log", env, grace),
    )
    server.start()
    yield settings_module.load(
        _env_file=None,
        data_dir=folder,
        lake_catalog_type="rest",
        lake_catalog_uri="http://{}:{}".format(*server.catalog),
        lake_catalog_credential=keys.credential,
        lake_warehouse=WAREHOUSE,
        s3_endpoint="http://{}:{}".format(*server.s3),
        s3_access_key=keys.access,
        s3_secret_key=keys.secret,
    )
    assert server.process is not None
    server.process.stop()


def test_a_rest_catalog_and_s3_are_followed_too(rest: Settings) -> None:
    catalog = rest_catalog(rest)
    create_tables(catalog, NAMES)
    append(catalog, tables.GOLD, [gold_row(-3000), gold_row(0)])
    refresher = Refresher(rest)
    refresher.refresh()
    assert refresher.state.failure == ""
    append(catalog, tables.GOLD, [gold_row(1)])
    env = {name: value for name, value in rest.as_env().items() if not name.startswith("API_")}
    with running(rest.data_path, env) as (_, url), httpx.Client(base_url=url, timeout=30) as client:
        until(lambda: client.get("/v1/pulse").status_code == 200)
        span = {"symbol": "BTCUSDT", "from": "2020-01-01T00:00:00Z"}
        assert len(client.get("/v1/minutes", params=span).json()["minutes"]) == 3
    refresher.refresh()
    snapshot = refresher.state.snapshot
    assert refresher.state.failure == "" and snapshot is not None and snapshot.gold is not None
    assert [len(series.minutes) for series in snapshot.gold.series.values()] == [2]
