"""Who writes a table of the lake, and whether another may take its place. Pure.

An owner is on record with its process. On its own machine that process can be looked at; from
elsewhere only its signs of life can be watched, by one's own clock: no two clocks are compared
across machines.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from enum import Enum
from typing import Final

# A living owner gives a sign of life three times a lease; half a lease without one is silence.
BEATS_PER_LEASE: Final = 3


@dataclass(frozen=True)
class Owner:
    """One start of an application. Times are seconds since 1970 UTC.

    `place` tells machines, their boots and their containers apart, `host` is its name for people;
    a process is `pid` and `started` together.
    """

    run_id: str
    what: str
    host: str
    place: str
    pid: int
    started: float
    since: float

    def text(self) -> str:
        """As it stands on record."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> "Owner | None":
        """The owner on record; None where the record is none of ours."""
        try:
            found = json.loads(text)
            owner = cls(**{each.name: found[each.name] for each in fields(cls)})
        except (ValueError, TypeError, KeyError):
            return None
        numbers = (owner.pid, owner.started, owner.since)
        return owner if all(isinstance(each, int | float) for each in numbers) else None


class Verdict(Enum):
    """What may become of an owner's place."""

    FREE = "it may be taken"
    HELD = "its owner lives"
    UNSURE = "its owner must be watched for longer"


@dataclass(frozen=True)
class Sight:
    """What was seen of an owner so far.

    `age`: seconds since its last sign of life by the clock of its own machine, None where it gave
    none; `quiet`: seconds that we have watched it without a new one; `moved`: there was a new one.
    """

    age: float | None
    quiet: float
    moved: bool


def judge(
    owner: Owner | None,
    sight: Sight,
    me: Owner,
    lease: float,
    lives: Callable[[int, float], bool],
) -> Verdict:
    """Whether `me` may take the place of `owner`; `lives` looks at a process of this machine."""
    if owner is None or owner.run_id == me.run_id:
        return Verdict.FREE
    here = owner.place == me.place
    if here and not lives(owner.pid, owner.started):
        return Verdict.FREE
    fresh = here and sight.age is not None and 0 <= sight.age <= lease
    if sight.moved or fresh:
        return Verdict.HELD
    # On this machine its clock has shown already that a lease is over: half of one makes sure
    # that it was no jump of the clock.
    patience = lease / 2 if here else lease
    return Verdict.FREE if sight.quiet >= patience else Verdict.UNSURE


def outranks(one: Owner, other: Owner) -> bool:
    """Which of two that took the same place at the same moment keeps it."""
    return (one.since, one.run_id) < (other.since, other.run_id)
