"""What counts as alive and as ready, check by check."""

from typing import Any

import pytest

from producer import health
from producer.health import MOST_TICK_SECONDS, MOST_UNACKNOWLEDGED_SECONDS, ShardState
from producer.sequencer import Gap
from tests.vitals import FakeVitals


def failed(checks: health.Checks) -> list[str]:
    return [name for name, check in checks.items() if not check.ok]


def test_all_is_well() -> None:
    checks = health.ready(FakeVitals())
    assert failed(checks) == []
    assert list(checks) == ["started", "exchange", "kafka", "repair", "streams"]
    assert all(check.detail for check in checks.values())


@pytest.mark.parametrize(
    ("change", "name", "detail"),
    [
        ({"lines": ()}, "exchange", "0 of 0 connections stand"),
        ({"lines": (ShardState(1, True, 1), ShardState(1, False, 0))}, "exchange", "1 of 2"),
        ({"waiting": MOST_UNACKNOWLEDGED_SECONDS}, "kafka", "10.0 s"),
        ({"banned": 61.2}, "repair", "refused for 61 s more"),
        ({"dead": ["AUSDT", "BUSDT"]}, "streams", "dead: AUSDT, BUSDT"),
        ({"dead": [f"S{n}" for n in range(30)]}, "streams", "and 10 more"),
    ],
)
def test_each_check_fails_for_its_own_reason(
    change: dict[str, Any], name: str, detail: str
) -> None:
    checks = health.ready(FakeVitals(**change))
    assert failed(checks) == [name] and detail in checks[name].detail


def test_the_main_loop_has_to_come_round() -> None:
    vitals = FakeVitals(ticked=100.0)
    assert failed(health.live(vitals, 100.0 + MOST_TICK_SECONDS - 0.1)) == []
    assert failed(health.live(vitals, 100.0 + MOST_TICK_SECONDS)) == ["main_loop"]
    assert failed(health.live(vitals, 99.0)) == []  # a tick between the two clock readings


def test_a_start_is_alive_and_not_ready() -> None:
    assert failed(health.live(None, 0.0)) == []
    assert failed(health.ready(None)) == ["started"]


def test_the_status_is_bounded_and_counts_all_gaps() -> None:
    gaps = [Gap("BTCUSDT", number * 10, number * 10 + 4) for number in range(1000)]
    found: Any = health.status(FakeVitals(gaps=gaps))["open_gaps"]
    assert (found["count"], found["ids"], len(found["first"])) == (1000, 5000, 20)
    assert found["first"][1] == {"symbol": "BTCUSDT", "from_id": 10, "to_id": 14}
