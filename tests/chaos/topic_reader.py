"""Reads topics from their beginning, again and again only what is new. Of its own: no repo code."""

from collections.abc import Iterator
from typing import NamedTuple

import stamina
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

_SECONDS = 20.0
_BATCH = 10_000
# A broker that is just back answers late, and tells no leaders for a moment.
_PATIENT = stamina.retry(on=KafkaException, attempts=None, timeout=3 * _SECONDS, wait_max=1.0)


class Record(NamedTuple):
    """One message; `timestamp` is Kafka's, in ms UTC."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    timestamp: int


class TopicReader:
    """Goes on where it was; a topic that does not exist yet has no messages."""

    def __init__(self, servers: str, topics: tuple[str, ...]) -> None:
        options = {
            "bootstrap.servers": servers, "group.id": "judge", "enable.auto.commit": False,
            # A broker that was killed is asked again soon: librdkafka would wait up to 10 s.
            "reconnect.backoff.max.ms": 1000,
        }  # fmt: skip
        self._consumer = Consumer({**options, "error_cb": lambda _: None, "log_level": 0})
        self._topics = topics
        self._next: dict[tuple[str, int], int] = {}

    def new(self, topic: str) -> Iterator[Record]:
        """What this topic holds beyond what was read, partition by partition in order."""
        assert topic in self._topics
        for partition in self._partitions(topic):
            yield from self._read(topic, partition)

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    @_PATIENT
    def _partitions(self, topic: str) -> list[int]:
        told = self._consumer.list_topics(topic, timeout=_SECONDS).topics[topic]
        if told.error is not None:
            if told.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                return []
            raise KafkaException(told.error)
        return sorted(told.partitions)

    def _read(self, topic: str, partition: int) -> Iterator[Record]:
        where = (topic, partition)
        asked = TopicPartition(topic, partition)
        low, high = self._offsets(asked)
        at = self._next.get(where, low)
        self._consumer.assign([TopicPartition(topic, partition, at)])
        while at < high:
            batch = self._consumer.consume(min(_BATCH, high - at), timeout=_SECONDS)
            assert batch, f"{topic}/{partition} gave nothing from offset {at} to {high}"
            for message in batch:
                record = _record(topic, partition, message)
                at = record.offset + 1
                self._next[where] = at
                yield record

    @_PATIENT
    def _offsets(self, asked: TopicPartition) -> tuple[int, int]:
        offsets = self._consumer.get_watermark_offsets(asked, timeout=_SECONDS)
        assert offsets is not None, f"{asked}: the broker does not tell its offsets"
        return offsets


def _record(topic: str, partition: int, message: Message) -> Record:
    error, offset = message.error(), message.offset()
    assert error is None, error
    assert offset is not None
    _, timestamp = message.timestamp()
    key = message.key()
    raw_key = key.encode() if isinstance(key, str) else key
    value = message.value() or b""
    raw = value.encode() if isinstance(value, str) else value
    return Record(topic, partition, offset, raw_key, raw, timestamp)
