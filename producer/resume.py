"""Where the last run came to, read from Kafka itself: what a start resumes from.

The position topic says how far the producer was a few seconds before it ended; the tail of the
trades' topic behind these offsets says what came after; the gap topic says what is missing.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

import stamina
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from msgspec import MsgspecError, Struct
from msgspec.json import Decoder

from lakehouse.errors import UnreachableError, UnreadableError
from lakehouse.gaps import GapMessage, PositionMessage, read_gap, read_position
from lakehouse.id_ranges import IdRanges
from lakehouse.settings import Settings
from producer.logs import LibraryLog, Log
from producer.recalled import Recalled, combine

SCAN_HOURS: Final = 24
_TIMEOUT: Final = 20.0
_BATCH: Final = 5000
_POLL: Final = 0.05
_PROGRESS_SECONDS: Final = 5.0

M = TypeVar("M", GapMessage, PositionMessage)
Bounds = dict[int, tuple[int, int]]


class _Key(Struct, gc=False):
    symbol: str
    agg_id: int


_key_of: Final = Decoder(_Key).decode


def recall(settings: Settings, log: Log, followed: Sequence[str] = ()) -> Recalled:
    """Read the three topics; UnreachableError where the broker stops answering.

    Of symbols that are neither `followed` nor in the note nothing is recalled where other
    producers have notes of their own: these symbols are theirs, and so are the gaps.
    """
    consumer = Consumer(_config(settings), logger=LibraryLog(log).logger())
    try:
        # Topics made a moment ago, and brokers that change leaders, answer at the second time.
        retry = stamina.RetryingCaller(timeout=_TIMEOUT, attempts=None, wait_max=2.0)
        return retry(KafkaException, _Reader(consumer, settings, log, followed).recall)
    except KafkaException as error:
        detail = error.args[0].str()
        raise UnreachableError(
            f"Kafka stopped answering while the producer looked where it was: {detail}.",
            "Look at the broker's log.",
        ) from None
    finally:
        consumer.close()


def _config(settings: Settings) -> dict[str, str | bool | int]:
    return {
        "bootstrap.servers": settings.kafka_bootstrap_servers,
        "group.id": f"firehose-resume-{settings.producer_name}",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        # The end of a short topic is what is waited for, not more messages.
        "fetch.wait.max.ms": 10,
        # Its default of a second is what a long tail would mostly wait for.
        "fetch.queue.backoff.ms": 5,
    }


class _Reader:
    def __init__(
        self, consumer: Consumer, settings: Settings, log: Log, followed: Sequence[str]
    ) -> None:
        self._consumer = consumer
        self._settings = settings
        self._log = log
        self._followed = followed
        self._shared = False

    def recall(self) -> Recalled:
        began = time.monotonic()
        gaps = self._newest(self._settings.kafka_gap_topic, read_gap)
        position = self._position()
        bounds = self._bounds(self._settings.kafka_topic)
        if position is not None and _made_anew(position, bounds):
            self._log.warning("position_unusable", detail="the trades' topic was made anew")
            position, gaps = None, []
        tail = self._tail(_begins(position, bounds) if position else self._lately(bounds))
        if self._shared:
            mine = {*self._followed, *(position.last_ids if position else ())}
            tail = {symbol: ranges for symbol, ranges in tail.items() if symbol in mine}
        offsets = {partition: high for partition, (_, high) in bounds.items()}
        found = combine(position, tail, gaps, offsets, time.time_ns() // 1000)
        self._log.info(
            "resumed",
            symbols=len(found.symbols),
            open_gaps=len(found.open_gaps),
            tail_trades=sum(ranges.count for ranges in tail.values()),
            seconds=round(time.monotonic() - began, 3),
        )
        return found

    def _position(self) -> PositionMessage | None:
        settings = self._settings
        notes = self._newest(settings.kafka_position_topic, read_position)
        by_name = {each.producer: each for each in notes if each.topic == settings.kafka_topic}
        self._shared = bool(by_name.keys() - {settings.producer_name})
        return by_name.get(settings.producer_name)

    def _lately(self, bounds: Bounds) -> dict[int, int]:
        """Without a position: the offsets of SCAN_HOURS ago."""
        since = int((time.time() - SCAN_HOURS * 3600) * 1000)
        asked = [TopicPartition(self._settings.kafka_topic, part, since) for part in bounds]
        found = self._consumer.offsets_for_times(asked, timeout=_TIMEOUT)
        return {each.partition: each.offset for each in found if each.offset >= 0}

    def _tail(self, begins: dict[int, int]) -> dict[str, IdRanges]:
        """The ids of every symbol from these offsets on."""
        tail: dict[str, IdRanges] = {}
        for message in self._read(self._settings.kafka_topic, begins):
            try:
                key = _key_of(message.value() or b"")
            except MsgspecError:
                continue  # not ours; Bronze keeps it as it is
            ranges = tail.get(key.symbol)
            if ranges is None:
                ranges = tail[key.symbol] = IdRanges()
            ranges.add(key.agg_id, key.agg_id)
        return tail

    def _newest(self, topic: str, read: Callable[[bytes], M]) -> list[M]:
        """The newest message of every key of a compacted topic."""
        found: dict[bytes, M] = {}
        bounds = self._bounds(topic)
        for message in self._read(
            topic, {p: low for p, (low, high) in bounds.items() if low < high}
        ):
            key, value = message.key(), message.value()
            try:
                if key is not None and value is not None:
                    found[bytes(key)] = read(bytes(value))
            except UnreadableError as error:
                self._log.warning("state_unreadable", topic=topic, reason=error.reason)
        return list(found.values())

    def _bounds(self, topic: str) -> Bounds:
        found_topic = self._consumer.list_topics(topic, timeout=_TIMEOUT).topics[topic]
        if found_topic.error is not None:
            # It then shows no partitions; the topic would pass for one made anew.
            raise KafkaException(found_topic.error)
        bounds: Bounds = {}
        for number in found_topic.partitions:
            found = self._consumer.get_watermark_offsets(
                TopicPartition(topic, number), timeout=_TIMEOUT
            )
            if found is None:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            bounds[number] = found
        return bounds

    def _read(self, topic: str, begins: dict[int, int]) -> Iterator[Message]:
        """All messages from these offsets to the end as it is when it is reached."""
        if not begins:
            return
        self._consumer.assign([TopicPartition(topic, part, at) for part, at in begins.items()])
        left, count, told = set(begins), 0, time.monotonic()
        heard = told
        while left:
            # It waits for a full batch, however much is there: so it is asked often.
            batch = self._consumer.consume(_BATCH, timeout=_POLL)
            if batch:
                heard = time.monotonic()
            elif time.monotonic() - heard > _TIMEOUT:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            for message in batch:
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:
                    left.discard(message.partition() or 0)
                else:
                    raise KafkaException(error)
            count += len(batch)
            if time.monotonic() - told > _PROGRESS_SECONDS:
                told = time.monotonic()
                self._log.info("resuming", topic=topic, messages=count)


def _made_anew(position: PositionMessage, bounds: Bounds) -> bool:
    """Whether the position speaks of offsets that this topic has never had."""
    return any(offset > bounds.get(p, (0, 0))[1] for p, offset in position.offsets.items())


def _begins(position: PositionMessage, bounds: Bounds) -> dict[int, int]:
    begins = {part: max(low, position.offsets.get(part, low)) for part, (low, _) in bounds.items()}
    return {part: at for part, at in begins.items() if at < bounds[part][1]}
