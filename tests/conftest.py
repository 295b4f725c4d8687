"""What every kind of test shares: a marker by folder, the recorded data, Hypothesis profiles."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from lakehouse import logs
from tests import long
from tests.places import cluster_place, embedded_place, place, spark_cluster

__all__ = ("cluster_place", "embedded_place", "place", "spark_cluster")  # fixtures of every folder

TESTS = Path(__file__).resolve().parent
KINDS = frozenset({"unit", "spark", "integration", "e2e", "browser", "n8n", "chaos"})
SHARED_DATA = TESTS.parents[1] / "shared" / "data"

# No deadline: on two shared cores a slow example says nothing. "ci" plays the same examples each
# time, so that a red build is about the change; "dev" looks for new ones.
_LESS_FUSSY = [HealthCheck.too_slow]
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=_LESS_FUSSY)
settings.register_profile("dev", deadline=None, suppress_health_check=_LESS_FUSSY)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# A test's JVM lives for a minute or two: the optimising compiler would burn more of the processor
# than its code gives back (35 s for a session with its tables, 22 s without it). Spark's own
# variable: unlike Java's, nothing tells of it on stderr, and the processes of a test inherit it.
# The room for code is what it is with both compilers.
_QUICK_START = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
os.environ.setdefault("SPARK_SUBMIT_OPTS", _QUICK_START)

# A thread that outlives its test may still log: not into the stdout that another test reads.
logs.to_stderr()


def kind_of(path: Path) -> str | None:
    """The kind of a test file: the folder under tests/ that it lies in; None beside them."""
    if not path.is_relative_to(TESTS):
        return None
    first = path.relative_to(TESTS).parts[0]
    return first if first in KINDS else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test with its folder's name, so that `-m unit` and the folders agree."""
    for item in items:
        if kind := kind_of(item.path):
            item.add_marker(kind)
    long.leave_others_out(config, items)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The recorded market data beside the project; the test is skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the recorded data is not at {SHARED_DATA}")
    return SHARED_DATA
