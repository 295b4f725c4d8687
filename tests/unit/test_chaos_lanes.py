"""The chaos tests run beside each other, each of them in one lane."""

from collections import Counter

import pytest

from tests.chaos import lake_injections, lanes
from tests.chaos.lake_injections import KINDS


def test_the_lakes_tests_have_a_lane_and_the_producers_share_the_others() -> None:
    assert lanes.lane_of("test_lake_chaos.py", None) == lanes.lane_of("test_kills.py", 7) == 0
    taken = Counter(lanes.lane_of("test_producer_faults.py", turn) for turn in range(40))
    assert taken == {1: 20, 2: 20}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("with_disks", [True, False])
def test_every_kind_comes_before_one_comes_again(seed: int, with_disks: bool) -> None:
    known = {name for name, kind in KINDS.items() if with_disks or not kind.disk}
    plan = lake_injections.schedule(seed, 3 * len(known), with_disks)
    for begin in range(0, len(plan), len(known)):
        assert {each.name for each in plan[begin : begin + len(known)]} == known
    assert plan == lake_injections.schedule(seed, 3 * len(known), with_disks)
    assert all(each.lasts <= 20 for each in plan)
