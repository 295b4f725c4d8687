"""Topics as a real broker has them."""

import time

import pytest
import structlog
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it has no __all__
    AdminClient,
    ConfigResource,
    ResourceType,
)

from lakehouse.errors import SettingsError, UnreachableError
from producer.topics import MAX_MESSAGE_BYTES, ensure_topics
from tests.integration.producer_kafka import fresh_settings, make_topic

LOG = structlog.get_logger()


def config_of(kafka: str, topic: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    admin = AdminClient({"bootstrap.servers": kafka})
    entries = admin.describe_configs([resource])[resource].result()
    return {name: entry.value for name, entry in entries.items()}


def test_missing_topics_are_made_with_their_settings_once(kafka: str) -> None:
    settings = fresh_settings(kafka, kafka_partitions=3, kafka_retention_hours=5)
    topics = ensure_topics(settings, LOG)
    assert topics.warnings == [] and topics.letters_limit == MAX_MESSAGE_BYTES
    assert ensure_topics(settings, LOG) == topics
    listed = AdminClient({"bootstrap.servers": kafka}).list_topics(timeout=10).topics
    assert len(listed[settings.kafka_topic].partitions) == 3
    assert len(listed[settings.kafka_dlq_topic].partitions) == 1
    hour = 3_600_000
    assert config_of(kafka, settings.kafka_topic)["retention.ms"] == str(5 * hour)
    assert config_of(kafka, settings.kafka_dlq_topic)["retention.ms"] == str(20 * hour)
    for name in (settings.kafka_gap_topic, settings.kafka_position_topic):
        assert config_of(kafka, name)["cleanup.policy"] == "compact"


def test_what_differs_is_told_and_left_alone(kafka: str) -> None:
    settings = fresh_settings(kafka)
    make_topic(kafka, settings.kafka_topic, partitions=5, retention_ms="1000")
    topics = ensure_topics(settings, LOG)
    assert topics.warnings == [
        f"{settings.kafka_topic} has 5 partitions, not {settings.kafka_partitions}",
        f"{settings.kafka_topic} has message.timestamp.type=CreateTime, not LogAppendTime",
        f"{settings.kafka_topic} has retention.ms=1000, not 604800000",
    ]
    assert config_of(kafka, settings.kafka_topic)["retention.ms"] == "1000"


def test_more_copies_than_brokers_is_one_sentence(kafka: str) -> None:
    with pytest.raises(SettingsError, match="KAFKA_REPLICATION"):
        ensure_topics(fresh_settings(kafka, kafka_replication=9), LOG)


def test_a_broker_that_is_away_is_told_in_time() -> None:
    began = time.monotonic()
    with pytest.raises(UnreachableError, match=r"Kafka at 127\.0\.0\.1:1 does not answer"):
        ensure_topics(fresh_settings("127.0.0.1:1"), LOG, timeout=1.0)
    assert time.monotonic() - began < 5
