"""Tests that `make test` leaves out, as all of it has to end in good time: `make test-long`.

A module is one of them by `pytestmark = LONG`, a case that takes the fixture `place` on the cluster
(tests/places.py). With LONG_TESTS set, these alone are run.
"""

import os
from typing import Final

import pytest

LONG: Final = pytest.mark.skipif(
    not os.environ.get("LONG_TESTS"), reason="takes minutes on two cores: `make test-long` runs it"
)


def leave_others_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where the long tests are asked for, these alone are run; else they skip themselves."""
    if os.environ.get("LONG_TESTS"):
        ours = [item for item in items if LONG.mark in item.iter_markers("skipif")]
        config.hook.pytest_deselected(items=[item for item in items if item not in ours])
        items[:] = ours
