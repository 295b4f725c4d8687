"""Is the producer alive, is it ready, how is it? Pure: asks a `Vitals`, which asks the parts."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from producer.sequencer import Gap

MOST_TICK_SECONDS: Final = 10.0
MOST_UNACKNOWLEDGED_SECONDS: Final = 10.0
_SHOWN: Final = 20


class ShardState(NamedTuple):
    """One share of the symbols and its connection to the exchange; `age` in seconds."""

    symbols: int
    connected: bool
    age: float


class Vitals(Protocol):
    """What the parts of a running producer say of themselves; quick, and asked in their loop."""

    def last_tick(self) -> float:
        """When the main loop came round last, in seconds of `time.monotonic()`."""
        ...

    def shards(self) -> Sequence[ShardState]:
        """All connections that are wanted, those that don't stand included."""
        ...

    def unacknowledged_seconds(self) -> float:
        """Age of the oldest message that Kafka has not acknowledged; 0 where there is none."""
        ...

    def banned_seconds(self) -> float:
        """How long the exchange still refuses REST (418, 429); 0 where it does not."""
        ...

    def dead_streams(self) -> Sequence[str]:
        """Symbols whose stream is held for dead inside a connection that lives."""
        ...

    def last_ids(self) -> Mapping[str, int]:
        """The highest id known of each symbol."""
        ...

    def open_gaps(self) -> Sequence[Gap]:
        """Gaps that are not repaired yet and may still be."""
        ...


class Check(NamedTuple):
    """One condition; `detail` says how it stands, for people."""

    ok: bool
    detail: str


Checks = Mapping[str, Check]


def live(vitals: Vitals | None, now: float) -> Checks:
    """Whether the main loop comes round; before it has begun there is nothing to miss."""
    if vitals is None:
        return {"main_loop": Check(True, "starting")}
    age = max(0.0, now - vitals.last_tick())
    return {"main_loop": Check(age < MOST_TICK_SECONDS, f"came round {age:.1f} s ago")}


def ready(vitals: Vitals | None) -> Checks:
    """Whether trades go from the exchange to Kafka, and gaps can be repaired."""
    if vitals is None:
        return {"started": Check(False, "starting")}
    return {
        "started": Check(True, "yes"),
        "exchange": _exchange(vitals.shards()),
        "kafka": _kafka(vitals.unacknowledged_seconds()),
        "repair": _repair(vitals.banned_seconds()),
        "streams": _streams(vitals.dead_streams()),
    }


def status(vitals: Vitals) -> dict[str, object]:
    """The same parts in figures, as /status shows them."""
    gaps = vitals.open_gaps()
    return {
        "shards": [shard._asdict() for shard in vitals.shards()],
        "last_ids": dict(vitals.last_ids()),
        "lag_seconds": round(vitals.unacknowledged_seconds(), 3),
        "open_gaps": {
            "count": len(gaps),
            "ids": sum(gap.ids for gap in gaps),
            "first": [gap._asdict() for gap in gaps[:_SHOWN]],
        },
    }


def _exchange(shards: Sequence[ShardState]) -> Check:
    connected = sum(shard.connected for shard in shards)
    return Check(0 < len(shards) == connected, f"{connected} of {len(shards)} connections stand")


def _kafka(seconds: float) -> Check:
    ok = seconds < MOST_UNACKNOWLEDGED_SECONDS
    return Check(ok, f"oldest unacknowledged message: {seconds:.1f} s")


def _repair(seconds: float) -> Check:
    return Check(seconds <= 0, f"refused for {seconds:.0f} s more" if seconds > 0 else "allowed")


def _streams(dead: Sequence[str]) -> Check:
    shown = ", ".join(dead[:_SHOWN])
    more = f" and {len(dead) - _SHOWN} more" if len(dead) > _SHOWN else ""
    return Check(not dead, f"dead: {shown}{more}" if dead else "none dead")
