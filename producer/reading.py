"""Kafka's messages read without a trace: no group commits, up to what is there at the moment."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from lakehouse.errors import FirehoseError, SettingsError
from lakehouse.settings import Settings
from producer.kafka_client import Access
from producer.logs import LibraryLog, Log

_BATCH: Final = 10_000
_ANSWER_SECONDS: Final = 10.0
# It waits for a full batch, however much is there: so it is asked often.
_POLL_SECONDS: Final = 0.05


class Span(NamedTuple):
    """Offsets of one partition to read: `first` ≤ … < `end`. `begins_late`: there were earlier."""

    first: int
    end: int
    begins_late: bool


class Reader:
    """Reads whole topics. A broker that does not answer is an UnreachableError, one that refuses
    the user or the connection a SettingsError.

    `name` is what the broker sees; `stall_seconds` without a message are too long.
    """

    def __init__(
        self, settings: Settings, log: Log, name: str, stall_seconds: float = 60.0
    ) -> None:
        self._access = Access(settings)
        self._stall_seconds = stall_seconds
        config = {
            **self._access.config,
            "client.id": name,
            "group.id": f"{name}-{uuid.uuid4().hex}",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "check.crcs": True,
            "queued.max.messages.kbytes": 32 * 1024,
            # The end of a short topic is what is waited for, not more messages.
            "fetch.wait.max.ms": 10,
            # By default a full queue is left alone for a second, which took most of the time.
            "fetch.queue.backoff.ms": 5,
        }
        self._consumer = Consumer(config, logger=LibraryLog(log).logger())

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()

    def spans(self, topic: str, since_ms: int | None = None) -> dict[int, Span]:
        """What each partition holds now, from `since_ms` (ms since 1970 UTC) on if given.

        Empty where there is no such topic.
        """
        try:
            found = self._consumer.list_topics(topic, timeout=_ANSWER_SECONDS).topics[topic]
            if found.error is not None:
                return self._no_topic(topic, found.error)
            return {number: self._span(topic, number, since_ms) for number in found.partitions}
        except KafkaException as error:
            raise self._away(error.args[0].str()) from None

    def messages(
        self,
        topic: str,
        spans: Mapping[int, Span],
        progress: Callable[[int], None] = lambda _: None,
    ) -> Iterator[list[Message]]:
        """The messages of the spans in batches, in order within a partition."""
        left = {number: span.end for number, span in spans.items() if span.first < span.end}
        if not left:
            return
        starts = [TopicPartition(topic, number, spans[number].first) for number in left]
        self._consumer.assign(starts)
        done, heard = 0, time.monotonic()
        while left:
            batch = self._consumer.consume(_BATCH, timeout=_POLL_SECONDS)
            if batch:
                heard = time.monotonic()
            elif time.monotonic() - heard > self._stall_seconds:
                raise self._away(f"nothing came for {self._stall_seconds:g} s")
            found = self._wanted(batch, left)
            done += len(found)
            progress(done)
            yield found
        self._consumer.unassign()

    def newest(self, topic: str) -> dict[bytes, bytes]:
        """The newest value of every key of a compacted topic; without the tombstones."""
        found: dict[bytes, bytes | None] = {}
        for batch in self.messages(topic, self.spans(topic)):
            found |= {_bytes(each.key()) or b"": _bytes(each.value()) for each in batch}
        return {key: value for key, value in found.items() if value is not None}

    def _wanted(self, batch: list[Message], left: dict[int, int]) -> list[Message]:
        """The batch without what came after the end; finished partitions leave `left`."""
        found = []
        for message in batch:
            number, offset = message.partition(), message.offset()
            if message.error() is not None:
                self._read_error(message, left)
            elif number is not None and offset is not None and offset < left.get(number, -1):
                found.append(message)
                if offset == left[number] - 1:
                    del left[number]
        return found

    def _read_error(self, message: Message, left: dict[int, int]) -> None:
        error = message.error()
        assert error is not None
        if error.code() == KafkaError._PARTITION_EOF:
            left.pop(message.partition() or 0, None)
        elif error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            return  # the library asks for its group's coordinator, which nothing here needs
        elif error.fatal() or not error.retriable():
            raise self._away(error.str())

    def _span(self, topic: str, number: int, since_ms: int | None) -> Span:
        partition = TopicPartition(topic, number)
        marks = self._consumer.get_watermark_offsets(partition, timeout=_ANSWER_SECONDS)
        if marks is None:
            raise self._away(f"no offsets of {topic}/{number} within {_ANSWER_SECONDS:g} s")
        low, end = marks
        if since_ms is None:
            return Span(low, end, low > 0)
        asked = [TopicPartition(topic, number, since_ms)]
        [answer] = self._consumer.offsets_for_times(asked, timeout=_ANSWER_SECONDS)
        first = max(low, answer.offset) if answer.offset >= 0 else end
        return Span(first, end, first > 0)

    def _no_topic(self, topic: str, error: KafkaError) -> dict[int, Span]:
        if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return {}
        if error.code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.TOPIC_EXCEPTION):
            raise SettingsError(f"The topic {topic} can't be read: {error.str()}.", "Another name?")
        raise self._away(error.str())

    def _away(self, detail: str) -> FirehoseError:
        self._consumer.poll(0)  # where it is told that the user was refused
        return self._access.away(f"Kafka at {self._access.servers} can't be read: {detail}.")


def _bytes(found: str | bytes | None) -> bytes | None:
    return found.encode() if isinstance(found, str) else found
