"""The twin of KafkaSink in memory, for tests and dry runs."""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from lakehouse.gaps import GapMessage, PositionMessage
from lakehouse.messages import encode, key_of
from lakehouse.trade import Trade
from producer.dead_letters import Headers, whole
from producer.epochs import Epoch
from producer.metrics import Counters
from producer.protocol import DeadLetter
from producer.sink import Then

TRADES: Final = "trades"
DEAD_LETTERS: Final = "dead_letters"
STATE: Final = "state"


class Record(NamedTuple):
    """One message as a consumer would see it."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers
    ingest_time: int
    acknowledged: Callable[[], None]


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
        self._epoch = Epoch()
        self._offset = 0

    def send(self, trade: Trade, then: Then | None = None) -> bool:
        """See Sink."""
        acknowledged = partial(self._trade_acknowledged, self._epoch, then)
        record = Record(TRADES, key_of(trade), encode(trade), [], trade.ingest_time, acknowledged)
        if not self._accept(record):
            return False
        self._epoch.sent += 1
        return True

    def send_dead_letter(self, letter: DeadLetter) -> bool:
        """See Sink."""
        value, headers = whole(letter)
        acknowledged = self._letter_acknowledged
        record = Record(DEAD_LETTERS, None, value, headers, letter.ingest_time, acknowledged)
        return self._accept(record)

    def send_state(self, message: GapMessage | PositionMessage, then: Then) -> bool:
        """See Sink."""
        acknowledged = partial(self._state_acknowledged, then)
        return self._accept(Record(STATE, message.key, message.value(), [], 0, acknowledged))

    def turn(self) -> Epoch:
        """See Sink."""
        ended, self._epoch = self._epoch, Epoch()
        return ended

    def poll(self) -> None:
        """See Sink."""
        while self._waiting and not self.stalled:
            record = self._waiting.popleft()
            self.records.append(record)
            record.acknowledged()
            if record.topic != STATE:
                self._counters.acknowledged(record.ingest_time)

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

    def _trade_acknowledged(self, epoch: Epoch, then: Then | None) -> None:
        self._counters.delivered += 1
        epoch.acknowledged += 1
        epoch.offsets[0] = self._offset
        self._offset += 1
        if then is not None:
            then()

    def _letter_acknowledged(self) -> None:
        self._counters.dlq_delivered += 1

    def _state_acknowledged(self, then: Then) -> None:
        self._counters.state_delivered += 1
        then()
