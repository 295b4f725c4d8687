"""Which chaos tests run beside which: the lake's need processors, the producer's mostly wait."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

VARIABLE: Final = "CHAOS_LANE"
LANES: Final = ("lake", "producer 1", "producer 2")
_LAKE: Final = frozenset({"test_kills.py", "test_lake_chaos.py"})
_FOLDER: Final = Path(__file__).parent


def of_this_lane(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The tests that this process runs: all of them where CHAOS_LANE is not set."""
    lane = os.environ.get(VARIABLE)
    if not lane:
        return list(items)
    ours = [item for item in items if item.path.is_relative_to(_FOLDER)]
    turns = {item.nodeid: number for number, item in enumerate(_of_producer(ours))}
    return [item for item in ours if LANES[lane_of(item.path.name, turns.get(item.nodeid))] == lane]


def lane_of(file: str, turn: int | None) -> int:
    """The lane's number: the cases of the producer take turns."""
    return 0 if file in _LAKE or turn is None else 1 + turn % (len(LANES) - 1)


def _of_producer(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    return [item for item in items if item.path.name not in _LAKE]
