"""TLS, users and rights on a real broker: each part works with the rights that docs/security.md
lists and no others, tells which setting is wrong, and shows the password nowhere."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, Producer

from lakehouse import kafka_security, tables
from lakehouse.errors import SettingsError
from lakehouse.settings import load
from tests import certificates, documents
from tests.commands import environment, firehose, start, wait_for
from tests.integration.applications import application, lake_settings
from tests.secure_kafka import PASSWORD, SecureKafka, secure_kafka

TRADES = 400
PRODUCER, JOBS, PROOF = "producer", "jobs", "proof"
FROM_KAFKA = (tables.BRONZE, "dead_letters", "ops_gap", tables.SILVER)


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """A broker whose users have what the page lists."""
    folder = tmp_path_factory.mktemp("kafka")
    with secure_kafka(folder, certificates.make(folder / "tls")) as broker:
        for user, names, operations in listed_rights():
            broker.add_user(user)
            broker.allow(user, "topic", names, operations)
        yield broker


def listed_rights() -> list[tuple[str, list[str], list[str]]]:
    """(part, topics, operations) of the page's table; the settings' names become their values."""
    page = (documents.ROOT / "docs" / "security.md").read_text()
    values = load(_env_file=None).as_env()
    rows = [row for row in documents.table_cells(page) if row[0] in (PRODUCER, JOBS, PROOF)]
    assert len(rows) == 3
    return [
        (
            user,
            [values[name.strip("` ")] for name in topics.split(",")],
            [re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper() for name in rights.split(", ")],
        )
        for user, topics, rights, *_ in rows
    ]


def test_a_trade_goes_from_the_exchange_to_silver_and_is_proved(
    tmp_path: Path, kafka: SecureKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "events").mkdir()
    # Every plan and every progress, as Spark's pages would show them.
    events = {"enabled": "true", "compress": "false", "dir": f"file://{tmp_path / 'events'}"}
    lines = (f"spark.eventLog.{name} {value}\n" for name, value in events.items())
    (tmp_path / "conf" / "spark-defaults.conf").write_text("".join(lines))
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path / "conf"))
    lake = lake_settings(tmp_path / "lake", **kafka_of(kafka, JOBS))
    with producing(tmp_path, kafka), application(lake, FROM_KAFKA) as app:
        app.until_ready()
        wait_for(lambda: app.job(tables.SILVER).get("rows_out") == TRADES, 400, "Silver")
        assert PASSWORD not in command_lines()
        app.drained()
    data = ("--data-dir", str(tmp_path / "lake"))
    done = firehose(tmp_path, "verify", "--kafka", *data, env=kafka.env(PROOF))
    assert done.returncode == 0, done.stdout
    told = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any("SparkListenerSQLExecutionStart" in read(path) for path in told)
    shown = [path for path in told if leaks(path)]
    assert shown == [], "the password is shown"


def kafka_of(kafka: SecureKafka, user: str) -> dict[str, str]:
    return {name.lower(): value for name, value in kafka.env(user).items()}


@contextmanager
def producing(folder: Path, kafka: SecureKafka) -> Iterator[None]:
    """A producer that brings TRADES trades of a simulated market into Kafka; it ends well."""
    words = ("simulate", "--symbols", "BTCUSDT", "--trades", str(TRADES), "--speed", "0")
    exchange = start(folder, *words)
    try:
        assert exchange.stdout is not None
        where = f"127.0.0.1:{json.loads(exchange.stdout.readline())['port']}"
        there = {"BINANCE_WS_URL": f"ws://{where}", "BINANCE_REST_URL": f"http://{where}"}
        with (folder / "producer.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "producer"],
                env=environment(kafka.env(PRODUCER, **there, SYMBOLS="BTCUSDT")),
                stderr=log,
            )
        try:
            yield
        finally:
            process.terminate()
            code = process.wait(60)
        assert code == 0, (folder / "producer.log").read_text()
    finally:
        exchange.kill()
        exchange.communicate()


def command_lines() -> str:
    found = ""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += path.read_text(errors="replace")
        except OSError:
            continue
    return found


def leaks(path: Path) -> bool:
    """Whether a file holds the password, or what JSON or JAAS make of it."""
    return any(piece in read(path) for piece in ("s3cret-", PASSWORD))


def read(path: Path) -> str:
    return path.read_text(errors="replace")


@pytest.mark.parametrize("user", [PROOF, JOBS])
def test_who_reads_can_not_write(kafka: SecureKafka, user: str) -> None:
    settings = kafka.settings(user)
    client = Producer(
        {"bootstrap.servers": kafka.servers, **kafka_security.for_librdkafka(settings)}
    )
    told: list[object] = []
    topics = (settings.kafka_topic, settings.kafka_gap_topic)
    kafka.require_topics(topics)
    for topic in topics:
        client.produce(
            topic, b"{}", on_delivery=lambda error, _: told.append(error and error.code())
        )
    client.flush(60)
    assert told == [KafkaError.TOPIC_AUTHORIZATION_FAILED] * 2


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"KAFKA_PASSWORD": "not-the-password"}, "KAFKA_PASSWORD"),
        ({"KAFKA_CA_FILE": "other"}, "KAFKA_CA_FILE"),
        ({"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"}, "KAFKA_SECURITY_PROTOCOL"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL"}, "KAFKA_SECURITY_PROTOCOL"),
        ({"KAFKA_SASL_MECHANISM": "PLAIN"}, "KAFKA_SASL_MECHANISM"),
    ],
)
def test_what_is_wrong_is_named_within_seconds(
    kafka: SecureKafka, wrong: dict[str, str], named: str
) -> None:
    other = str(kafka.certificates.other_authority)
    given = {name: other if value == "other" else value for name, value in wrong.items()}
    env = environment(kafka.env(PRODUCER, **given, SYMBOLS="BTCUSDT"))
    # The proof's reader, but the producer where it makes a difference: it asks in another way.
    module = "producer" if named == "KAFKA_PASSWORD" else "producer.audit"
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", module], env=env, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == SettingsError.exit_code, done.stderr
    [told] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert named in told
    assert time.monotonic() - began < 60
    assert not any(secret in done.stderr for secret in (PASSWORD, "not-the-password"))


def test_the_streams_name_a_wrong_password_and_end(tmp_path: Path, kafka: SecureKafka) -> None:
    given = {**kafka_of(kafka, JOBS), "kafka_password": "not-the-password"}
    with application(lake_settings(tmp_path / "lake", **given), (tables.BRONZE,)) as app:
        assert app.process.wait(400) == SettingsError.exit_code, app.text()
    told = [line for line in app.text().splitlines() if line.startswith("error: ")]
    assert len(told) == 1 and "KAFKA_PASSWORD" in told[0]
    assert "not-the-password" not in app.text()


def test_a_run_names_it_before_anything_starts(tmp_path: Path, kafka: SecureKafka) -> None:
    env = kafka.env(PRODUCER, KAFKA_SECURITY_PROTOCOL="SASL_PLAINTEXT")
    done = firehose(tmp_path, "run", "--simulate", "--trades", "1", "--until-idle", env=env)
    assert done.returncode == SettingsError.exit_code, done.stdout
    assert "speaks TLS" in done.stdout and PASSWORD not in done.stdout
    assert not list(tmp_path.rglob("spark.log")), "nothing was started"
