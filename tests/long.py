"""Tests that `make test` leaves out, as all of it has to end in good time: `make test-long`.

A module is one of them by `pytestmark = LONG`.
"""

import os
from typing import Final

import pytest

LONG: Final = pytest.mark.skipif(
    not os.environ.get("LONG_TESTS"), reason="takes minutes on two cores: `make test-long` runs it"
)
