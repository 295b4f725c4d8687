"""Where the last run came to, read from Kafka itself: what a start resumes from.

The position topic says how far the producer was a few seconds before it ended; the tail of the
trades' topic behind these offsets says what came after; the gap topic says what is missing.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

import stamina
from msgspec import MsgspecError, Struct
from msgspec.json import Decoder

from lakehouse.errors import UnreachableError, UnreadableError
from lakehouse.gaps import GapMessage, PositionMessage, read_gap, read_position
from lakehouse.id_ranges import IdRanges
from lakehouse.settings import Settings
from producer.logs import Log
from producer.reading import Reader, Span
from producer.recalled import Recalled, combine

SCAN_HOURS: Final = 24
_TIMEOUT: Final = 20.0
_PROGRESS_SECONDS: Final = 5.0

M = TypeVar("M", GapMessage, PositionMessage)
Spans = Mapping[int, Span]


class _Key(Struct, gc=False):
    symbol: str
    agg_id: int


_key_of: Final = Decoder(_Key).decode


def recall(settings: Settings, log: Log, followed: Sequence[str] = ()) -> Recalled:
    """Read the three topics; UnreachableError where the broker stops answering.

    Of symbols that are neither `followed` nor in the note nothing is recalled where other
    producers have notes of their own: these symbols are theirs, and so are the gaps.
    """
    reader = Reader(settings, log, f"firehose-resume-{settings.producer_name}", _TIMEOUT)
    try:
        # Topics made a moment ago, and brokers that change leaders, answer at the second time.
        retry = stamina.RetryingCaller(timeout=_TIMEOUT, attempts=None, wait_max=2.0)
        return retry(UnreachableError, _Memory(reader, settings, log, followed).recall)
    finally:
        reader.close()


class _Memory:
    def __init__(
        self, reader: Reader, settings: Settings, log: Log, followed: Sequence[str]
    ) -> None:
        self._reader = reader
        self._settings = settings
        self._log = log
        self._followed = followed
        self._shared = False

    def recall(self) -> Recalled:
        began = time.monotonic()
        gaps = self._newest(self._settings.kafka_gap_topic, read_gap)
        position = self._position()
        spans = self._spans(self._settings.kafka_topic)
        if position is not None and _made_anew(position, spans):
            self._log.warning("position_unusable", detail="the trades' topic was made anew")
            position, gaps = None, []
        tail = self._tail(_behind(position, spans) if position else self._lately())
        if self._shared:
            mine = {*self._followed, *(position.last_ids if position else ())}
            tail = {symbol: ranges for symbol, ranges in tail.items() if symbol in mine}
        offsets = {partition: span.end for partition, span in spans.items()}
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

    def _lately(self) -> Spans:
        """Without a position: what came within SCAN_HOURS."""
        since_ms = int((time.time() - SCAN_HOURS * 3600) * 1000)
        return self._spans(self._settings.kafka_topic, since_ms)

    def _tail(self, spans: Spans) -> dict[str, IdRanges]:
        """The ids of every symbol within these offsets."""
        tail: dict[str, IdRanges] = {}
        for batch in self._reader.messages(self._settings.kafka_topic, spans, self._progress()):
            for message in batch:
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
        self._spans(topic)
        found: list[M] = []
        for value in self._reader.newest(topic).values():
            try:
                found.append(read(value))
            except UnreadableError as error:
                self._log.warning("state_unreadable", topic=topic, reason=error.reason)
        return found

    def _spans(self, topic: str, since_ms: int | None = None) -> Spans:
        spans = self._reader.spans(topic, since_ms)
        if not spans:
            # It was made before this: without its metadata it would pass for one made anew.
            raise UnreachableError(
                f"Kafka does not tell of the topic {topic} yet.", "Look at the broker's log."
            )
        return spans

    def _progress(self) -> Callable[[int], None]:
        told = time.monotonic()

        def every_few_seconds(messages: int) -> None:
            nonlocal told
            if time.monotonic() - told > _PROGRESS_SECONDS:
                told = time.monotonic()
                self._log.info("resuming", topic=self._settings.kafka_topic, messages=messages)

        return every_few_seconds


def _made_anew(position: PositionMessage, spans: Spans) -> bool:
    """Whether the position speaks of offsets that this topic has never had."""
    ends = {partition: span.end for partition, span in spans.items()}
    return any(offset > ends.get(p, 0) for p, offset in position.offsets.items())


def _behind(position: PositionMessage, spans: Spans) -> Spans:
    """What each partition holds from the position on."""
    return {
        partition: span._replace(first=max(span.first, position.offsets.get(partition, span.first)))
        for partition, span in spans.items()
    }
