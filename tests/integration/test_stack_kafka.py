"""The embedded broker: a real one, started, stopped, killed and started again."""

import signal
import uuid
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    NewTopic,
)

from lakehouse.errors import StackError
from lakehouse.settings import Settings, load
from lakehouse.stack import Stack, jars, java, probe
from lakehouse.stack.kafka import KafkaBroker
from tests.integration.owners import eventually, line_of, owner, running

TOPIC = "trades"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder of its own, with a space and a letter that properties files must escape."""
    return load(data_dir=tmp_path / "dätä 1")


def produce(servers: str, values: list[bytes]) -> None:
    producer = Producer({"bootstrap.servers": servers, "acks": "all"})
    for value in values:
        producer.produce(TOPIC, value)
    assert producer.flush(20) == 0


def consume(servers: str, count: int) -> list[bytes]:
    group = {"group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"}
    consumer = Consumer({"bootstrap.servers": servers, **group})
    consumer.subscribe([TOPIC])
    messages = consumer.consume(count, timeout=20)
    consumer.close()
    return [value for message in messages if (value := message.value()) is not None]


def make_topic(servers: str) -> None:
    admin = AdminClient({"bootstrap.servers": servers})
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(20)


def test_data_survive_a_restart_with_other_ports(settings: Settings) -> None:
    values = [b"%d" % number for number in range(100)]
    with Stack(settings, print) as stack:
        first = stack.start_kafka()
        assert probe.ping(first, 2.0) == first
        make_topic(first)
        produce(first, values)
        assert consume(first, 100) == values
    with Stack(settings, print) as stack:
        second = stack.start_kafka()
        assert second != first
        produce(second, [b"more"])
        assert consume(second, 101) == [*values, b"more"]
        brokers = AdminClient({"bootstrap.servers": second}).list_topics(timeout=10).brokers
        assert [f"{each.host}:{each.port}" for each in brokers.values()] == [second]
        topics = AdminClient({"bootstrap.servers": second}).list_topics("unknown", timeout=10)
        assert topics.topics["unknown"].error is not None, "topics are not made by accident"


def test_it_listens_on_loopback_alone(settings: Settings) -> None:
    with Stack(settings, print) as stack:
        stack.start_kafka()
        pid = next(
            each.pid for each in psutil.Process().children(recursive=True) if each.name() == "java"
        )
        listening = [
            each.laddr.ip
            for each in psutil.Process(pid).net_connections("inet")
            if each.status == psutil.CONN_LISTEN
        ]
    assert len(listening) == 2
    assert set(listening) <= {"127.0.0.1", "::ffff:127.0.0.1"}


OWNER = """
import os, sys, time
from lakehouse.settings import load
from lakehouse.stack import Stack
os.environ["MARK"] = sys.argv[2]
with Stack(load(data_dir=sys.argv[1]), lambda text: None) as stack:
    print(stack.start_kafka(), flush=True)
    time.sleep(600)
"""


def test_kill_9_of_the_owner_ends_the_broker_and_keeps_what_it_acknowledged(
    settings: Settings,
) -> None:
    mark = uuid.uuid4().hex
    with owner(OWNER, str(settings.data_path), mark) as process:
        servers = line_of(process)
        make_topic(servers)
        produce(servers, [b"kept"])
        assert running(mark)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert eventually(lambda: set(running(mark)) <= {process.pid}, 40)
    with Stack(settings, print) as stack:
        assert consume(stack.start_kafka(), 1) == [b"kept"]


def broker(stack: Stack, settings: Settings, files: tuple[Path, ...]) -> KafkaBroker:
    return KafkaBroker(
        settings.data_path / "kafka",
        java.find(),
        files,
        lambda name, argv, grace: stack.spawn(name, argv, grace_seconds=grace),
    )


def test_a_broker_that_cannot_format_says_why(settings: Settings) -> None:
    with Stack(settings, print) as stack, pytest.raises(StackError, match="StorageTool"):
        broker(stack, settings, ()).start()
    assert not (settings.data_path / "kafka" / "log").exists()


def test_a_broker_that_ends_quotes_its_log(settings: Settings) -> None:
    logs = settings.data_path / "kafka" / "log"
    logs.mkdir(parents=True)
    (logs / "meta.properties").write_text("version=1\ncluster.id=broken\n")
    kafka = jars.ensure(settings, print).kafka
    with Stack(settings, print) as stack, pytest.raises(StackError) as caught:
        broker(stack, settings, kafka).start()
    assert "Kafka ended with code 1" in caught.value.message
    assert "No readable meta.properties files found" in caught.value.message
    assert str(settings.data_path / "logs" / "kafka.log") in caught.value.hint


def test_a_broker_that_takes_too_long_is_ended(settings: Settings) -> None:
    with Stack(settings, print) as stack:
        started = broker(stack, settings, jars.ensure(settings, print).kafka)
        with pytest.raises(StackError, match=r"did not answer within 0\.3 s"):
            started.start(ready_seconds=0.3)
        assert started.process is not None
        assert not started.process.alive
