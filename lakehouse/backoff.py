"""How long to wait after failures. Pure."""

from random import Random
from typing import Final

_MAX_DOUBLINGS: Final = 32


def worth_telling(times: int) -> bool:
    """Whether what has happened so often is told again: at 1, 2, 4, 8, …"""
    return times & (times - 1) == 0


def backoff(failures_before: int, first: float, most: float, rng: Random) -> float:
    """Seconds: `first`, doubled for each failure before this one, `most` at most; jittered.

    The lower half is never drawn, so that a wait stays a wait.
    """
    ceiling = min(first * 2.0 ** min(failures_before, _MAX_DOUBLINGS), most)
    return rng.uniform(ceiling / 2, ceiling)
