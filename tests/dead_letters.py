"""The dead letters of a data folder's own broker, between two runs."""

from typing import Final, NamedTuple

import stamina
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from lakehouse.messages import REASON_HEADER
from lakehouse.settings import Settings
from lakehouse.stack.embedded import Stack

_SECONDS: Final = 20.0
_BATCH: Final = 10_000


class DeadLetter(NamedTuple):
    """A frame as it came, and why it could not be read."""

    raw: bytes
    reason: str


def dead_letters(settings: Settings) -> list[DeadLetter]:
    """All of them, read as somebody would who looks at the topic."""
    with Stack(settings, print) as stack:
        consumer = Consumer({"bootstrap.servers": stack.start_kafka(), "group.id": "looking"})
        try:
            return [_letter(each) for each in _messages(consumer, settings.kafka_dlq_topic)]
        finally:
            consumer.close()


@stamina.retry(on=KafkaException, attempts=None, timeout=2 * _SECONDS, wait_max=1.0)
def offsets(consumer: Consumer, asked: TopicPartition) -> tuple[int, int]:
    """Lowest and next offset. A broker that is just back has no leader for a moment."""
    found = consumer.get_watermark_offsets(asked, timeout=_SECONDS)
    assert found is not None, f"the broker does not tell the offsets of {asked}"
    low, high = found
    return low, high


def _messages(consumer: Consumer, topic: str) -> list[Message]:
    numbers = consumer.list_topics(topic, timeout=_SECONDS).topics[topic].partitions
    found: list[Message] = []
    for asked in [TopicPartition(topic, number) for number in numbers]:
        low, high = offsets(consumer, asked)
        consumer.assign([TopicPartition(topic, asked.partition, low)])
        wanted = len(found) + high - low
        while len(found) < wanted:
            batch = consumer.consume(min(_BATCH, wanted - len(found)), timeout=_SECONDS)
            assert batch, f"{asked} gave {wanted - len(found)} messages too few"
            found += batch
    return found


def _letter(message: Message) -> DeadLetter:
    assert message.error() is None, message.error()
    value, headers = message.value(), message.headers()
    assert isinstance(value, bytes) and isinstance(headers, list)
    reason = dict(headers)[REASON_HEADER]
    assert isinstance(reason, bytes)
    return DeadLetter(value, reason.decode())
