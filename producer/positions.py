"""How far the producer has come, written to the position topic for the next start."""

from collections.abc import Callable, Mapping
from typing import Final

from lakehouse.exchanges.binance import EXCHANGE
from lakehouse.gaps import PositionMessage
from lakehouse.settings import Settings
from producer.epochs import Epochs
from producer.ledger import Ledger
from producer.sink import Sink

POSITION_SECONDS: Final = 5.0

Known = dict[str, tuple[int, int]]


class Positions:
    """Takes a snapshot now and then, and writes it when Kafka has all that it speaks of."""

    def __init__(
        self,
        settings: Settings,
        sink: Sink,
        known: Callable[[], Known],
        ledger: Ledger,
        clock: Callable[[], int],
    ) -> None:
        """`known` gives, per symbol, first and last id let through; `clock` µs UTC."""
        self._settings = settings
        self._sink = sink
        self._known = known
        self._ledger = ledger
        self._clock = clock
        self._epochs: Epochs[Known] = Epochs(sink.turn)
        self._next = 0.0
        self._marked: Known = {}
        self._pending: PositionMessage | None = None
        self._mark = 0

    def resume(self, offsets: Mapping[int, int]) -> None:
        """Where the topic's partitions ended at the start."""
        self._epochs.offsets.update(offsets)
        self._marked = self._known()

    def tick(self, now: float) -> None:
        """Mark when it is time, and write what has been acknowledged. Only when nothing that
        was let through still waits to be sent.
        """
        if now >= self._next:
            self._next = now + POSITION_SECONDS
            self.mark()
        self.write()

    def mark(self) -> None:
        """Snapshot now, unless nothing has changed since the last one."""
        known = self._known()
        if known != self._marked:
            self._marked = known
            self._epochs.mark(known)

    def write(self) -> None:
        """Send the newest snapshot that holds, if there is a new one.

        Its offsets lie behind repaired trades, which a start won't see then: so first the record
        of what was repaired must be safe, or they would be fetched and sent again.
        """
        if self._pending is None:
            settled = self._epochs.settled()
            if settled is None:
                return
            self._pending = self._message(settled)
            self._mark = self._ledger.checkpoint()
        if self._ledger.safe(self._mark) and self._sink.send_state(self._pending, _nothing):
            self._pending = None

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be written."""
        return self._pending is None and not self._epochs.waiting

    def _message(self, known: Known) -> PositionMessage:
        return PositionMessage(
            producer=self._settings.producer_name,
            exchange=EXCHANGE,
            topic=self._settings.kafka_topic,
            offsets=dict(self._epochs.offsets),
            first_ids={symbol: first for symbol, (first, _) in known.items()},
            last_ids={symbol: last for symbol, (_, last) in known.items()},
            written_at=self._clock(),
        )


def _nothing() -> None:
    """Nobody waits for a position."""
