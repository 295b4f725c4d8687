"""Reading topics back, for the producer's tests."""

import uuid
from collections.abc import Callable

from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it has no __all__
    AdminClient,
    NewTopic,
)

from lakehouse.settings import Settings, load


def fresh_settings(kafka: str, **overrides: object) -> Settings:
    """Settings with topics of their own, so that tests don't meet."""
    name = f"test.{uuid.uuid4().hex[:8]}"
    topics = {
        "kafka_topic": name,
        "kafka_dlq_topic": f"{name}.dlq",
        "kafka_gap_topic": f"{name}.gaps",
        "kafka_position_topic": f"{name}.positions",
    }
    return load(**{"kafka_bootstrap_servers": kafka, **topics, **overrides})


def make_topic(kafka: str, name: str, partitions: int = 1, **config: str) -> None:
    """Create a topic by hand; dots in names of settings are written as underscores."""
    admin = AdminClient({"bootstrap.servers": kafka})
    dotted = {key.replace("_", "."): value for key, value in config.items()}
    admin.create_topics([NewTopic(name, partitions, 1, config=dotted)])[name].result()


def read_all(kafka: str, topic: str) -> list[Message]:
    """Every message of a topic, partition by partition in the order of offsets."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": uuid.uuid4().hex})
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        return [message for number in partitions for message in _read(consumer, topic, number)]
    finally:
        consumer.close()


def _read(consumer: Consumer, topic: str, number: int) -> list[Message]:
    low, high = _no_timeout(
        lambda: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
    )
    consumer.assign([TopicPartition(topic, number, low)])
    messages: list[Message] = []
    while low < high:
        batch = consumer.consume(min(1000, high - low), timeout=10)
        assert batch, f"{topic}/{number} gave nothing from offset {low} to {high}"
        for message in batch:
            assert message.error() is None, message.error()
            messages.append(message)
        low = (messages[-1].offset() or 0) + 1
    return messages


def _no_timeout(ask: Callable[[], tuple[int, int] | None]) -> tuple[int, int]:
    offsets = ask()
    assert offsets is not None
    return offsets
