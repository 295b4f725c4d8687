"""S3 and the catalog over TLS, with keys that only read, and with keys that are wrong: each part
works or names the setting, and shows no secret."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from lakehouse import s3_probe, table_append, tables
from lakehouse import settings as settings_module
from lakehouse.api.refresher import Refresher
from lakehouse.errors import SettingsError
from lakehouse.query import Lake
from lakehouse.settings import Settings
from lakehouse.stack.seaweed import SeaweedServer
from tests import certificates
from tests.commands import firehose, wait_for
from tests.integration.applications import (
    App,
    application,
    feed,
    lake_settings,
    rows,
    silver_ids,
)
from tests.seaweed import CLERK, KEYS, READER, lake_there, renew_key, running_seaweed
from tests.tls_proxy import tls_before

COUNT = f"SELECT count(*) AS n FROM {tables.AUDIT} WHERE run_id = 'test'"
BOOKS = (
    "SELECT job, sum(rows_out)::BIGINT AS n FROM lake.market.ops_audit "
    f"WHERE status = 'ok' AND job = '{tables.SILVER}' GROUP BY job"
)
WRONG = "not-the-secret"
RENEWED = "the-next-secret-of-the-lake"


class World(NamedTuple):
    """A lake behind TLS whose tables were made by Spark; five rows in ops_audit."""

    folder: Path
    env: dict[str, str]
    other_authority: str
    server: SeaweedServer

    def settings(self, **more: Any) -> Settings:
        given = {name.lower(): value for name, value in self.env.items()}
        return settings_module.load(_env_file=None, data_dir=self.folder, **{**given, **more})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("lake")
    made = certificates.make(folder / "tls")
    with (
        running_seaweed(folder, with_reader=True) as server,
        tls_before(server.s3, made) as s3,
        tls_before(server.catalog, made) as catalog,
    ):
        there = {"S3_ENDPOINT": s3, "LAKE_CATALOG_URI": catalog, "S3_CA_FILE": str(made.authority)}
        env = lake_there(server) | there
        done = firehose(folder, "migrate", env=env)  # by Spark: namespace, tables, the writer's row
        assert done.returncode == 0, done.stdout
        found = World(folder, env, str(made.other_authority), server)
        table_append.append_rows(found.settings(), tables.AUDIT, [audit_row(n) for n in range(5)])
        yield found


def audit_row(number: int) -> dict[str, Any]:
    """A row about a job that did nothing."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return {"run_id": "test", "job": f"job-{number}", "started_at": at, "finished_at": at}


def test_the_lake_is_read_over_tls(world: World) -> None:
    done = firehose(world.folder, "sql", COUNT, "--format", "json", env=world.env)
    assert (done.returncode, json.loads(done.stdout)) == (0, [{"n": 5}]), done.stdout


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"s3_ca_file": ""}, "S3_CA_FILE"),
        ({"s3_ca_file": "other"}, "S3_CA_FILE"),
        ({"s3_secret_key": WRONG}, "S3_SECRET_KEY"),
        ({"s3_access_key": "nobody"}, "S3_ACCESS_KEY"),
        ({"lake_catalog_credential": f"{KEYS.access}:{WRONG}"}, "LAKE_CATALOG_CREDENTIAL"),
    ],
)
def test_what_is_wrong_is_named(
    world: World, wrong: dict[str, str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The catalog's client takes an authority from the environment; each try begins anew.
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    given = {
        name: world.other_authority if value == "other" else value for name, value in wrong.items()
    }
    settings = world.settings(**given)
    with pytest.raises(SettingsError, match=named) as told, Lake(settings) as lake:
        lake.rows(COUNT)
    assert WRONG not in str(told.value)
    if named.startswith("S3"):
        with pytest.raises(SettingsError, match=named):
            s3_probe.require(settings)  # a start and `firehose doctor` tell as much
    reader = Refresher(settings)
    reader.refresh()  # the API goes on, degraded
    assert reader.state.failure is not None and named in reader.state.failure


def test_a_key_that_reads_can_read_and_nothing_else(world: World) -> None:
    secret = READER.secret.get_secret_value()
    reading = world.settings(s3_access_key=READER.access, s3_secret_key=secret)
    s3_probe.require(reading)
    with Lake(reading) as lake:
        assert lake.rows(COUNT) == [{"n": 5}]
    with pytest.raises(SettingsError, match="S3_ACCESS_KEY") as told:
        table_append.append_rows(reading, tables.AUDIT, [audit_row(9)])
    assert secret not in str(told.value) and "docs/security.md" in told.value.hint


def test_spark_names_a_wrong_key(world: World) -> None:
    env = world.env | {"S3_SECRET_KEY": WRONG}
    done = firehose(world.folder, "migrate", env=env)
    assert done.returncode == SettingsError.exit_code, done.stdout
    assert "S3_SECRET_KEY" in done.stdout and WRONG not in done.stdout


def test_a_key_that_is_revoked_while_the_streams_run_loses_nothing(world: World) -> None:
    before, after = (streams_settings(world, secret) for secret in (None, RENEWED))
    with application(before, name="before") as app:
        app.until_ready()
        feed(before, 0, 100)
        wait_for(lambda: app.job(tables.GOLD).get("rows_in") == 100, 300, "the first trades")
        with renewed_key(world, after):
            feed(after, 50, 100)  # it comes while the streams have the old key
            wait_for(lambda: app.job(tables.SILVER).get("restarts", 0) > 0, 300, "the refusal")
            refusal_is_told(app)
            app.process.send_signal(signal.SIGTERM)
            assert app.process.wait(300) == 0, app.text()
            with application(after, name="after") as again:
                again.until_ready()
                again.drained()
            assert silver_ids(after) == list(range(150))
            assert rows(after, BOOKS) == [{"job": tables.SILVER, "n": 150}]
            counted = "SELECT sum(trades)::BIGINT AS n FROM lake.market.crypto_gold_minute"
            assert rows(after, counted) == [{"n": 150}]
    logs = app.text() + again.text()
    assert KEYS.secret.get_secret_value() not in logs and RENEWED not in logs


def streams_settings(world: World, secret: str | None) -> Settings:
    """Of the streams on the lake, with this secret of its key."""
    there = world.env | {"LAKE_CATALOG_CREDENTIAL": CLERK.credential}
    if secret is not None:
        there["S3_SECRET_KEY"] = secret
    return lake_settings(
        world.folder / "streams", **{name.lower(): value for name, value in there.items()}
    )


@contextmanager
def renewed_key(world: World, settings: Settings) -> Iterator[None]:
    """The server takes these settings' secret instead of the one before; later that one again."""
    renew_key(world.server, world.folder, settings.s3_secret_key.get_secret_value())
    try:
        wait_for(lambda: lets_in(settings), 60, "the new key to be taken")
        yield
    finally:
        renew_key(world.server, world.folder, KEYS.secret.get_secret_value())
        wait_for(lambda: lets_in(world.settings()), 60, "the old key to be taken")


def lets_in(settings: Settings) -> bool:
    try:
        rows(settings, COUNT)
        return True
    except SettingsError:
        return False


def refusal_is_told(app: App) -> None:
    """One sentence with the setting and the way out, in the status file and counted."""
    told = app.job(tables.SILVER)
    assert told["failing_since"] is not None
    assert "S3_SECRET_KEY" in told["last_error"] and "start again" in told["last_error"]
    page = httpx.get(f"http://127.0.0.1:{app.status()['metrics_port']}/metrics").text
    [failures] = [
        line
        for line in page.splitlines()
        if line.startswith(f'firehose_spark_failures_total{{stream="{tables.SILVER}"}}')
    ]
    assert float(failures.split()[-1]) >= 1
