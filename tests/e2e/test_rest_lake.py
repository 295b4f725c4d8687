"""`firehose run` on a lake in S3 with a REST catalog, as on the embedded one."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.errors import SettingsError
from lakehouse.stack.seaweed import SeaweedServer
from tests.commands import firehose, nothing_left
from tests.seaweed import KEYS, lake_there, running_seaweed

TRADES = 2_000
RUN = ("run", "--simulate", "--trades", str(TRADES), "--rate", "500", "--until-idle")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedServer]:
    with running_seaweed(tmp_path_factory.mktemp("seaweed")) as made:
        yield made


def test_a_run_fills_it_and_the_proof_holds(tmp_path: Path, server: SeaweedServer) -> None:
    data, env = tmp_path / "lake", lake_there(server)
    done = firehose(tmp_path, *RUN, "--data-dir", str(data), env=env)
    assert done.returncode == 0, done.stdout
    assert nothing_left(data)
    for words in (("verify", "--format", "json"), ("verify", "--kafka", "--format", "json")):
        done = firehose(tmp_path, *words, "--data-dir", str(data), env=env)
        assert done.returncode == 0, done.stdout
    sql = "SELECT count(*) AS n, count(DISTINCT (symbol, agg_id)) AS keys FROM crypto_silver_trades"
    done = firehose(tmp_path, "sql", sql, "--format", "json", "--data-dir", str(data), env=env)
    assert json.loads(done.stdout) == [{"n": TRADES, "keys": TRADES}]
    assert not list(data.glob("warehouse")), "nothing lies beside the bucket"
    logs = "".join(path.read_text(errors="replace") for path in data.glob("logs/*.log"))
    assert KEYS.secret.get_secret_value() not in logs


def test_a_wrong_secret_is_told_before_anything_starts(
    tmp_path: Path, server: SeaweedServer
) -> None:
    data, env = tmp_path / "lake", lake_there(server, secret="of-another-lake")
    done = firehose(tmp_path, *RUN, "--data-dir", str(data), env=env)
    assert done.returncode == SettingsError.exit_code, done.stdout
    assert "LAKE_CATALOG_CREDENTIAL" in done.stdout
    assert "of-another-lake" not in done.stdout and "Traceback" not in done.stdout
