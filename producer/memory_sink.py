"""The twin of KafkaSink in memory, for tests and dry runs."""

from collections import deque
from typing import Final, NamedTuple

from lakehouse.messages import encode, key_of
from lakehouse.trade import Trade
from producer.dead_letters import Headers, whole
from producer.metrics import Counters
from producer.protocol import DeadLetter

TRADES: Final = "trades"
DEAD_LETTERS: Final = "dead_letters"


class Record(NamedTuple):
    """One message as a consumer would see it."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers
    ingest_time: int


class MemorySink:
    """Keeps `capacity` unacknowledged messages at most; `poll` acknowledges them all.

    `stalled` true stands for a broker that is away: nothing is acknowledged.
    """

    def __init__(self, counters: Counters, capacity: int = 100_000) -> None:
        self.records: list[Record] = []
        self.stalled = False
        self._counters = counters
        self._capacity = capacity
        self._waiting: deque[Record] = deque()

    def send(self, trade: Trade) -> bool:
        """See Sink."""
        record = Record(TRADES, key_of(trade), encode(trade), [], trade.ingest_time)
        return self._accept(record)

    def send_dead_letter(self, letter: DeadLetter) -> bool:
        """See Sink."""
        value, headers = whole(letter)
        return self._accept(Record(DEAD_LETTERS, None, value, headers, letter.ingest_time))

    def poll(self) -> None:
        """See Sink."""
        while self._waiting and not self.stalled:
            record = self._waiting.popleft()
            self.records.append(record)
            self._count(record)

    def flush(self, seconds: float) -> int:
        """See Sink; a stalled twin does not wait, as nothing could change meanwhile."""
        self.poll()
        return self._counters.in_flight

    def _accept(self, record: Record) -> bool:
        if len(self._waiting) >= self._capacity:
            return False
        self._waiting.append(record)
        self._counters.accepted += 1
        return True

    def _count(self, record: Record) -> None:
        if record.topic == TRADES:
            self._counters.delivered += 1
        else:
            self._counters.dlq_delivered += 1
        self._counters.acknowledged(record.ingest_time)
