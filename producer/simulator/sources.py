"""Where the exchange's frames come from: a recording or a seeded market, behind one face."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

from producer.simulator import recording
from producer.simulator.frames import Frame
from producer.simulator.history import History, RecordedHistory
from producer.simulator.recording import Recorded


class Source(Protocol):
    """A series of frames in time. What `take` returned has happened, and is in `history`."""

    @property
    def history(self) -> History:
        """The trades that have happened."""
        ...

    @property
    def total(self) -> int | None:
        """How many frames there are in all; None for an endless market."""
        ...

    @property
    def trades_emitted(self) -> int:
        """How many frames with a trade were taken."""
        ...

    def begin(self, now: int) -> int:
        """Called once when the first client listens, with the wall clock (µs UTC).

        Returns the exchange's time at that moment.
        """
        ...

    def next_due(self) -> int | None:
        """When the next frame is due (µs, exchange's clock); None after the last."""
        ...

    def take(self, limit: int, until: int | None) -> list[Frame]:
        """At most `limit` next frames that are due by `until` (None: whatever their time)."""
        ...


class RecordedSource:
    """The frames of recorded files."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.scan = recording.scan(paths)
        self.history = RecordedHistory(self.scan.symbols)
        self.total: int | None = self.scan.frames
        self.trades_emitted = 0
        self._rest: Iterator[Recorded] = recording.merged(paths)
        self._next: Recorded | None = next(self._rest, None)

    def begin(self, now: int) -> int:
        """A recording begins at the time of its first frame that has one."""
        del now
        return self._next.frame.due if self._next else 0

    def next_due(self) -> int | None:
        return self._next.frame.due if self._next else None

    def take(self, limit: int, until: int | None) -> list[Frame]:
        taken = list(self._taken(limit, until))
        trades = [item.trade for item in taken if item.trade]
        if trades:
            self.history.add(trades)
        self.trades_emitted += len(trades)
        return [item.frame for item in taken]

    def _taken(self, limit: int, until: int | None) -> Iterator[Recorded]:
        while self._next and limit > 0 and (until is None or self._next.frame.due <= until):
            yield self._next
            limit -= 1
            self._next = next(self._rest, None)


def first_frames(source: Source, count: int) -> list[Frame]:
    """The next `count` frames whatever their time; for benchmarks and tests."""
    frames: list[Frame] = []
    while len(frames) < count and (more := source.take(count - len(frames), None)):
        frames.extend(more)
    return list(islice(frames, count))
