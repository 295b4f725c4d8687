"""Where messages go. `Sink` is what the pump needs; `KafkaSink` is the real thing and
`MemorySink` (memory_sink.py) its twin: the same tests run on both.

Promises: messages of one key stay in the order of `send`; nothing accepted is dropped; what
counts as delivered is what was acknowledged; memory is bounded, a full sink says False.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from lakehouse.errors import StackError
from lakehouse.gaps import GapMessage, PositionMessage
from lakehouse.messages import encode
from lakehouse.settings import Settings
from lakehouse.trade import Trade
from producer.dead_letters import Headers, fitted
from producer.epochs import Epoch
from producer.kafka_client import Access
from producer.logs import LibraryLog, Log
from producer.metrics import Counters
from producer.protocol import DeadLetter
from producer.topics import MAX_MESSAGE_BYTES, Topics

MAX_IN_FLIGHT: Final = 100_000
MAX_IN_FLIGHT_KIB: Final = 64 * 1024
LINGER_MS: Final = 5
_BATCH_BYTES: Final = 1_000_000

# One trade in so many is timed: timing each would cost a tenth of the throughput.
_TIMED: Final = 16

Report = Callable[[KafkaError | None, Message], None]
Then = Callable[[], None]


class Sink(Protocol):
    """Takes trades, dead letters and state; counts what it accepts and what is acknowledged."""

    def send(self, trade: Trade, then: Then | None = None) -> bool:
        """Accept a trade, or False where the sink is full: poll, then send it again.

        `then` is called, from `poll` or `flush`, when Kafka has acknowledged it.
        """
        ...

    def send_dead_letter(self, letter: DeadLetter) -> bool:
        """Accept a frame that can't be read; False as in `send`."""
        ...

    def send_state(self, message: GapMessage | PositionMessage, then: Then) -> bool:
        """Accept a message for one of the compacted topics; False and `then` as in `send`."""
        ...

    def turn(self) -> Epoch:
        """End the present epoch of trades, begin the next; the one that ended."""
        ...

    def poll(self) -> None:
        """Take in acknowledgements; StackError where a message was refused for good."""
        ...

    def flush(self, seconds: float) -> int:
        """Wait for acknowledgements; the number of messages still without one."""
        ...


class KafkaSink:
    """An idempotent Kafka producer. A broker that is away is waited for without end."""

    def __init__(
        self, settings: Settings, topics: Topics, counters: Counters, log: Log, **extra: Any
    ) -> None:
        """`extra` are further settings of librdkafka, dots written as underscores."""
        self._topic = settings.kafka_topic
        self._dlq_topic = settings.kafka_dlq_topic
        self._state_topics = {
            GapMessage: settings.kafka_gap_topic,
            PositionMessage: settings.kafka_position_topic,
        }
        self._letters_limit = topics.letters_limit
        self._counters = counters
        self._log = log
        self._refused: StackError | None = None
        self._epoch, self._report = self._begin()
        self._access = Access(settings)
        config = {**self._access.config, **_config(topics)}
        config.update({name.replace("_", "."): value for name, value in extra.items()})
        self._producer = Producer(config, logger=LibraryLog(log).logger())
        self._produce = self._producer.produce

    def warm_up(self, seconds: float = 5.0) -> None:
        """Learn the topics' leaders now: the first message would wait half a second for them."""
        try:
            for topic in (self._topic, self._dlq_topic):
                self._producer.list_topics(topic, timeout=seconds)
        except KafkaException as error:
            detail = error.args[0].str()
            raise self._access.away(
                f"Kafka stopped answering while the producer started: {detail}.",
                "Look at the broker's log.",
            ) from None

    def send(self, trade: Trade, then: Then | None = None) -> bool:
        """See Sink; the key is the symbol."""
        epoch, report = self._epoch, self._report
        if then is not None or self._counters.accepted % _TIMED == 0:
            report = partial(self._acknowledged_and, epoch, trade.ingest_time, then)
        try:
            self._produce(self._topic, encode(trade), trade.symbol, on_delivery=report)
        except BufferError:
            return False
        except KafkaException as error:
            raise _refusal(self._topic, error.args[0]) from None
        epoch.sent += 1
        self._counters.accepted += 1
        return True

    def send_dead_letter(self, letter: DeadLetter) -> bool:
        """See Sink; the value is the raw frame, cut only where the broker can't take its size."""
        value, headers, was_cut = fitted(letter, self._letters_limit)
        report = partial(self._letter_acknowledged, letter.ingest_time)
        sent = self._send(self._dlq_topic, value, None, headers, report)
        if sent and was_cut:
            self._counters.dead_letters_cut += 1
            self._log.warning("dead_letter_cut", raw_bytes=len(letter.raw), reason=letter.reason)
        return sent

    def send_state(self, message: GapMessage | PositionMessage, then: Then) -> bool:
        """See Sink."""
        topic = self._state_topics[type(message)]
        report = partial(self._state_acknowledged, topic, then)
        return self._send(topic, message.value(), message.key, [], report)

    def turn(self) -> Epoch:
        """See Sink."""
        ended = self._epoch
        self._epoch, self._report = self._begin()
        return ended

    def poll(self) -> None:
        """See Sink; librdkafka's log lines are taken in here too."""
        self._producer.poll(0)
        if self._refused is not None:
            raise self._refused

    def flush(self, seconds: float) -> int:
        """See Sink."""
        deadline = time.monotonic() + seconds
        self.poll()
        while self._counters.in_flight and (left := deadline - time.monotonic()) > 0:
            # flush() sends at once what lingers; in slices, as poll() may send more.
            self._producer.flush(min(0.2, left))
            self.poll()
        return self._counters.in_flight

    def close(self) -> None:
        """Let go of what is not acknowledged; `flush` before."""
        self._producer.purge()

    def _begin(self) -> tuple[Epoch, Report]:
        epoch = Epoch()
        return epoch, partial(self._acknowledged, epoch)

    def _send(
        self, topic: str, value: bytes, key: bytes | None, headers: Headers, report: Report
    ) -> bool:
        try:
            self._produce(topic, value, key, on_delivery=report, headers=headers)
        except BufferError:
            return False
        except KafkaException as error:
            raise _refusal(topic, error.args[0]) from None
        self._counters.accepted += 1
        return True

    def _acknowledged(self, epoch: Epoch, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            return self._refuse(self._topic, error)
        self._counters.delivered += 1
        epoch.acknowledged += 1
        # Kafka acknowledges a partition in the order of its offsets: the last one is the highest.
        epoch.offsets[message.partition()] = message.offset()  # type: ignore[index, assignment]

    def _acknowledged_and(
        self, epoch: Epoch, ingest_time: int, then: Then | None,
        error: KafkaError | None, message: Message,
    ) -> None:  # fmt: skip
        self._acknowledged(epoch, error, message)
        if error is None:
            self._counters.acknowledged(ingest_time)
            if then is not None:
                then()

    def _letter_acknowledged(self, ingest_time: int, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._refuse(self._dlq_topic, error)
        else:
            self._counters.dlq_delivered += 1
            self._counters.acknowledged(ingest_time)

    def _state_acknowledged(
        self, topic: str, then: Then, error: KafkaError | None, _: Message
    ) -> None:
        if error is not None:
            self._refuse(topic, error)
        else:
            self._counters.state_delivered += 1
            then()

    def _refuse(self, topic: str, error: KafkaError) -> None:
        self._counters.delivery_failed += 1
        self._refused = self._refused or _refusal(topic, error)


def _config(topics: Topics) -> dict[str, Any]:
    return {
        "client.id": "firehose-producer",
        "enable.idempotence": True,
        "acks": "all",
        # Waiting is right: giving a message up would lose it. The bounds below hold the memory.
        "message.timeout.ms": 0,
        "queue.buffering.max.messages": MAX_IN_FLIGHT,
        "queue.buffering.max.kbytes": MAX_IN_FLIGHT_KIB,
        "message.max.bytes": MAX_MESSAGE_BYTES,
        # The broker's limit is on whole batches: one over it would be refused with all it holds.
        "batch.size": min(_BATCH_BYTES, topics.trades_limit, topics.letters_limit),
        "compression.type": "zstd",
        "linger.ms": LINGER_MS,
        # As Java's clients do, so that every writer puts a symbol into the same partition.
        "partitioner": "murmur2_random",
        "socket.keepalive.enable": True,
    }


def _refusal(topic: str, error: KafkaError) -> StackError:
    hint = "Look at the broker's log; what was not acknowledged is counted in the last log line."
    if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        hint = f"Raise max.message.bytes of {topic} to 1 MB at least."
    return StackError(f"Kafka refused a message for {topic}: {error.str()}.", hint)
