"""Faults at work. Pure and seeded: the same seed over the same frames gives the same faults.

`FaultSet` holds what is armed, `Feed` changes what the exchange emits, `LinkScript` says frame by
frame what happens to one connection.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum
from random import Random
from typing import Final, get_args

from producer.simulator import garbage
from producer.simulator.fault_specs import (
    Disconnect,
    Drop,
    Duplicate,
    Fault,
    FeedFault,
    Garbage,
    LinkFault,
    Lose,
    MaxAge,
    Reorder,
    Shutdown,
    Stall,
)
from producer.simulator.frames import Frame, unnamed

_LATE_DUPLICATE_US: Final = 2_000_000
# A trade that is withheld must not be duplicated or delayed, so these come first.
_ORDER: Final = (Drop, Lose, Garbage, Duplicate, Reorder)


class Armed:
    """A fault, its own randomness, and how often it may still fire (None: without end)."""

    def __init__(self, spec: Fault, seed: str) -> None:
        self.spec = spec
        self.rng = Random(seed)
        self.left = spec.times

    def take(self, probability: float = 1.0) -> bool:
        """Whether it fires now; each call draws once."""
        if self.rng.random() >= probability or self.left == 0:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class FaultSet:
    """All armed faults, by where they act, and how often each kind has fired."""

    def __init__(self, seed: int, specs: Iterable[Fault] = ()) -> None:
        self._seed = seed
        self._added = 0
        self.fired: Counter[str] = Counter()
        self.clear()
        for spec in specs:
            self.add(spec)

    def add(self, spec: Fault) -> None:
        """Arm one more fault; its randomness depends on its place in the order of adding."""
        self.armed.append(Armed(spec, f"{self._seed}:{self._added}:{spec.kind}"))
        self._added += 1
        self._sort()

    def clear(self) -> None:
        """Disarm all; what is held back is still sent."""
        self.armed: list[Armed] = []
        self._sort()

    def count(self, kind: str) -> None:
        """Note that a fault of this kind has fired."""
        self.fired[kind] += 1

    def _sort(self) -> None:
        feed = [fault for fault in self.armed if isinstance(fault.spec, get_args(FeedFault))]
        self.feed = sorted(feed, key=lambda fault: _ORDER.index(type(fault.spec)))
        self.link = [fault for fault in self.armed if isinstance(fault.spec, get_args(LinkFault))]
        self.rest = [f for f in self.armed if f not in self.feed and f not in self.link]

    def max_age(self) -> float | None:
        """The shortest life (s) of a connection that a fault asks for."""
        ages = [fault.spec.seconds for fault in self.link if isinstance(fault.spec, MaxAge)]
        return min(ages, default=None)


class Feed:
    """What happens to the frames before any connection sees them."""

    def __init__(self, faults: FaultSet) -> None:
        self._faults = faults
        self._held: list[tuple[int, int, Frame]] = []
        self._pushed = 0
        self.garbage = 0
        self.duplicates = 0

    def apply(self, frames: Sequence[Frame]) -> Sequence[Frame]:
        """The frames that go out instead of these, in order."""
        if not self._faults.feed and not self._held:
            return frames
        out: list[Frame] = []
        for frame in frames:
            out.extend(self.release(frame.due))
            self._pass(frame, out)
        return out

    def next_due(self) -> int | None:
        """When the next frame that is held back is due (µs)."""
        return self._held[0][0] if self._held else None

    def release(self, until: int | None) -> list[Frame]:
        """The frames held back until then (µs); None: all of them."""
        out: list[Frame] = []
        while self._held and (until is None or self._held[0][0] <= until):
            out.append(heapq.heappop(self._held)[2])
        return out

    def _pass(self, frame: Frame, out: list[Frame]) -> None:
        for armed in self._faults.feed:
            if self._struck(armed, frame, out):
                return
        out.append(frame)

    def _struck(self, armed: Armed, frame: Frame, out: list[Frame]) -> bool:
        """Let one fault act; True where the frame itself doesn't go out now."""
        if frame.agg_id < 0 or not self._fires(armed, frame):
            return False
        spec = armed.spec
        self._faults.count(spec.kind)
        if isinstance(spec, Garbage):
            self.garbage += 1
            out.append(unnamed(garbage.make(armed.rng, frame.payload), frame.due))
        elif isinstance(spec, Duplicate):
            self.duplicates += 1
            self._hold(frame, armed.rng.choice((0, armed.rng.randrange(_LATE_DUPLICATE_US))))
        elif isinstance(spec, Reorder):
            self._hold(frame, armed.rng.randrange(round(spec.seconds * 1_000_000) + 1))
        return isinstance(spec, Drop | Lose | Reorder)

    def _fires(self, armed: Armed, frame: Frame) -> bool:
        spec = armed.spec
        if isinstance(spec, Drop):
            return spec.covers(frame.symbol, frame.agg_id) and armed.take()
        assert isinstance(spec, Lose | Duplicate | Reorder | Garbage)
        return armed.take(spec.probability)

    def _hold(self, frame: Frame, delay: int) -> None:
        self._pushed += 1
        heapq.heappush(self._held, (frame.due + delay, self._pushed, frame))


class Action(Enum):
    """What a connection does with its next frame."""

    SEND = "send"
    SKIP = "skip"
    CUT = "cut"
    CUT_INSIDE = "cut inside the frame"
    SHUTDOWN = "announce the shutdown, then send"


class LinkScript:
    """What happens to one connection. Counts run from when it and the fault are both there."""

    def __init__(self, faults: FaultSet) -> None:
        self._faults = faults
        self._since: dict[Armed, int] = {}
        self._done: set[Armed] = set()
        self._silent_until: dict[str | None, float] = {}
        self.grace = 0.0

    def next(self, sent: int, now: float, symbol: str) -> Action:
        """The next frame is of this symbol, `sent` went before; `now` is a clock in seconds."""
        for armed in self._faults.link:
            if armed not in self._done and (action := self._strike(armed, sent, now)):
                return action
        silent = self.is_silent(now) or self._silent_until.get(symbol, 0) > now
        return Action.SKIP if silent else Action.SEND

    def is_silent(self, now: float) -> bool:
        """Whether a stall withholds all data."""
        return self._silent_until.get(None, 0) > now

    def _strike(self, armed: Armed, sent: int, now: float) -> Action | None:
        count = sent - self._since.setdefault(armed, sent)
        spec = armed.spec
        if isinstance(spec, Disconnect):
            return self._cut(armed, spec) if count >= spec.every else None
        if isinstance(spec, MaxAge) or not isinstance(spec, Stall | Shutdown):
            return None
        if count < spec.after or not self._once(armed):
            return None
        if isinstance(spec, Stall):
            self._silent_until[spec.symbol] = now + spec.seconds
            return None
        self.grace = spec.grace
        return Action.SHUTDOWN

    def _cut(self, armed: Armed, spec: Disconnect) -> Action | None:
        if not self._once(armed):
            return None
        return Action.CUT_INSIDE if armed.rng.random() < spec.mid_frame else Action.CUT

    def _once(self, armed: Armed) -> bool:
        """A fault strikes a connection once; a new connection starts afresh."""
        self._done.add(armed)
        fires = armed.take()
        if fires:
            self._faults.count(armed.spec.kind)
        return fires
