"""The spike events that wait to be delivered: which is due, and what an answer makes of it. Pure.

`now` is in seconds of a monotonic clock, `clock` the time of day.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Final

from lakehouse.spike_delivery import LIFE, Answer, Verdict, pause

PENDING: Final = "pending"
DELIVERED: Final = "delivered"
REFUSED: Final = "refused"
EXPIRED: Final = "expired"
STATUSES: Final = (PENDING, DELIVERED, REFUSED, EXPIRED)


@dataclass(frozen=True)
class Entry:
    """An event that is not delivered yet, as it stands in the outbox."""

    event_id: str
    body: str
    detected_at: datetime
    attempts: int = 0


@dataclass(frozen=True)
class Mark:
    """What became of an entry. `delivered_at`: None unless it was."""

    entry: Entry
    status: str
    delivered_at: datetime | None = None
    last_error: str | None = None

    @property
    def settled(self) -> bool:
        """Whether nothing more is done about it in this start."""
        return self.status != PENDING


@dataclass
class _Place:
    entry: Entry
    failures: int = 0
    due_at: float = 0.0
    under_way: bool = False


class Line:
    """Every event is in it once per start of the application."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._places: dict[str, _Place] = {}
        self._known: set[str] = set()

    def join(self, entries: Iterable[Entry]) -> None:
        """Take those that were not there before; they are due at once."""
        for entry in entries:
            if entry.event_id not in self._known:
                self._known.add(entry.event_id)
                self._places[entry.event_id] = _Place(entry)

    def due(self, now: float, most: int) -> list[Entry]:
        """The next ones to post, which are under way from now on; `most` at once in all."""
        room = most - self.under_way
        ready = [p for p in self._places.values() if not p.under_way and p.due_at <= now]
        chosen = sorted(ready, key=lambda p: p.entry.detected_at)[: max(room, 0)]
        for place in chosen:
            place.under_way = True
        return [place.entry for place in chosen]

    def answered(self, event_id: str, answer: Answer, now: float, clock: datetime) -> Mark:
        """What the answer to an attempt makes of the event."""
        place = self._places[event_id]
        place.under_way = False
        place.entry = replace(place.entry, attempts=place.entry.attempts + 1)
        match answer.verdict:
            case Verdict.DELIVERED:
                mark = Mark(place.entry, DELIVERED, clock)
            case Verdict.REFUSED:
                mark = Mark(place.entry, REFUSED, None, answer.words)
            case Verdict.LATER:
                place.due_at = now + pause(answer, place.failures, self._rng)
                place.failures += 1
                return Mark(place.entry, PENDING, None, answer.words)
        del self._places[event_id]
        return mark

    def expired(self, clock: datetime) -> list[Mark]:
        """Those that have waited for too long; they leave the line."""
        old = [
            place.entry
            for place in self._places.values()
            if not place.under_way and clock - place.entry.detected_at > LIFE
        ]
        for entry in old:
            del self._places[entry.event_id]
        words = f"given up after {LIFE.total_seconds() / 3600:.0f} hours"
        return [Mark(entry, EXPIRED, None, words) for entry in old]

    def failures(self, event_id: str) -> int:
        """How often it failed since this start; 0 where it has left the line."""
        place = self._places.get(event_id)
        return 0 if place is None else place.failures

    @property
    def under_way(self) -> int:
        """Attempts that have no answer yet."""
        return sum(place.under_way for place in self._places.values())

    @property
    def untried(self) -> int:
        """Events that this start has not had an answer to."""
        return sum(not place.failures for place in list(self._places.values()))
