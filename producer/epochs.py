"""Which of the trades sent so far has Kafka acknowledged? Answered for whole spans of time. Pure.

Keeping every id that is on its way would cost more than sending it. So sending is cut into
epochs: an epoch is over when all its trades are acknowledged, and then whatever was true of ids
at its end is true in Kafka.
"""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Epoch:
    """Trades sent between two marks. `offsets`: partition → last acknowledged offset."""

    __slots__ = ("acknowledged", "offsets", "sent")

    def __init__(self) -> None:
        self.sent = 0
        self.acknowledged = 0
        self.offsets: dict[int, int] = {}

    @property
    def over(self) -> bool:
        """Whether Kafka has all of it (asked when nothing is added any more)."""
        return self.acknowledged == self.sent


class Epochs(Generic[T]):
    """Snapshots that wait for the epochs before them to be over."""

    def __init__(self, turn: Callable[[], Epoch]) -> None:
        """`turn` ends the present epoch, begins the next and returns the one that ended."""
        self._turn = turn
        self._waiting: deque[tuple[Epoch, T]] = deque()
        self.offsets: dict[int, int] = {}

    def mark(self, snapshot: T) -> None:
        """Remember what is true of all that was sent until now."""
        self._waiting.append((self._turn(), snapshot))

    def settled(self) -> T | None:
        """The newest snapshot that is true in Kafka and was not returned before.

        `offsets` then holds, per partition, the first offset behind it.
        """
        newest: T | None = None
        while self._waiting and self._waiting[0][0].over:
            epoch, newest = self._waiting.popleft()
            for partition, offset in epoch.offsets.items():
                # Of a batch that the broker had already the offset may be unknown, below zero.
                self.offsets[partition] = max(offset + 1, self.offsets.get(partition, 0))
        return newest

    @property
    def waiting(self) -> int:
        """Snapshots not settled yet."""
        return len(self._waiting)
