"""How long a stream waits for its next batch."""

from lakehouse.settings import load
from spark_jobs.stream import Pace


def test_the_pace_of_a_stream() -> None:
    quick, slow = load(trigger_seconds=0.5), load(trigger_seconds=60)
    assert [pace.pause(quick) for pace in Pace] == [0.0, 0.5, 5.0]
    assert [pace.pause(slow) for pace in Pace] == [0.0, 60.0, 60.0]
