"""All that a request is answered from: the lake at one moment, in memory, never changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lakehouse.api.audit import Audit
from lakehouse.api.blocks import Key, newest_rows
from lakehouse.api.columns import Row
from lakehouse.api.gaps import Gaps
from lakehouse.api.gold import Gold
from lakehouse.api.health import Facts, Layer
from lakehouse.api.pulse import Pulse, pulse_of
from lakehouse.api.summaries import Summaries


@dataclass(frozen=True)
class Snapshot:
    """`loaded_micros`: when it was put together, µs since 1970 UTC. `gold` is None without rows.

    `newest`: Gold's newest row of each symbol; `items`: each symbol of /v1/pulse as JSON.
    """

    loaded_micros: int
    gold: Gold | None = None
    newest: Mapping[Key, Row] = field(default_factory=dict)
    pulses: Mapping[Key, Pulse] = field(default_factory=dict)
    items: Mapping[Key, bytes] = field(default_factory=dict)
    layers: tuple[Layer, ...] = ()
    audit: Audit = field(default_factory=Audit)
    gaps: Gaps = field(default_factory=Gaps)
    summaries: Summaries = field(default_factory=Summaries)


@dataclass(frozen=True)
class State:
    """What the API knows: the last good snapshot, when the lake was last read, and what fails."""

    snapshot: Snapshot | None = None
    checked_micros: int = 0
    failure: str = ""

    def facts(self, snapshot: Snapshot, fresh_seconds: float) -> Facts:
        """What the source's health is judged by."""
        newest = snapshot.gold.newest_minute if snapshot.gold else None
        return Facts(
            newest,
            snapshot.layers,
            snapshot.audit,
            snapshot.gaps,
            self.checked_micros,
            fresh_seconds,
        )


def pulses_of(gold: Gold, before: Snapshot | None, warm_up_minutes: int) -> dict[Key, Pulse]:
    """Every symbol's pulse; those stay of which neither the series nor the newest minute moved."""
    old = before.gold if before else None
    found = {}
    for key, series in gold.series.items():
        now = gold.newest[key.exchange]
        same = old and old.series.get(key) is series and old.newest.get(key.exchange) == now
        known = before.pulses.get(key) if before and same else None
        found[key] = known or pulse_of(series, now, warm_up_minutes)
    return found


def newest_of(gold: Gold) -> dict[Key, Row]:
    """Gold's row of each symbol's newest minute."""
    return newest_rows(gold.blocks, {key: one.minutes[-1] for key, one in gold.series.items()})
