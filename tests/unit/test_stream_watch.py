"""What people are told of streams that are being started again."""

from typing import Any

from lakehouse.pipeline.live import troubles, untold
from lakehouse.pipeline.stream_watch import StreamWatch

WELL: dict[str, Any] = {"failing_since": None, "last_error": "old", "restarts": 3}
ILL: dict[str, Any] = {"failing_since": 100.0, "last_error": "S3Exception: 503", "restarts": 2}


def told_of(*seen: dict[str, dict[str, Any]]) -> list[str]:
    said: list[str] = []
    watch = StreamWatch(said.append)
    for jobs in seen:
        watch.see(jobs)
    return said


def test_a_trouble_and_its_end_are_told_once() -> None:
    said = told_of(
        {"silver": WELL, "gold": WELL},
        {"silver": ILL, "gold": WELL},
        {"silver": {**ILL, "restarts": 3, "last_error": "another"}, "gold": WELL},
        {"silver": WELL, "gold": WELL},
        {"silver": WELL, "gold": WELL},
    )
    assert said == [
        "The stream silver failed and is started again. S3Exception: 503.",
        "The stream silver is well again.",
    ]


def test_a_new_application_that_tells_nothing_yet_is_no_sign_of_health() -> None:
    assert told_of({"silver": ILL}, {}, {"silver": ILL}, {"silver": WELL}) == [
        "The stream silver failed and is started again. S3Exception: 503.",
        "The stream silver is well again.",
    ]


def test_the_live_view_has_a_line_for_each_stream_in_trouble() -> None:
    jobs = {"crypto_silver_trades": ILL, "crypto_gold_minute": WELL, "dead_letters": {}}
    assert troubles(jobs, now=130.4) == [
        "silver: failing for 30 s, started again 2 times. S3Exception: 503"
    ]


def test_spikes_that_nobody_was_told_of_are_shown() -> None:
    assert untold({}) == untold({"pending": 2, "delivered": 9, "refused": 0, "expired": 0}) == []
    assert untold({"refused": 1_000, "expired": 2}) == [
        "spikes that nobody was told of: 1,000 refused, 2 expired (docs/spikes.md)"
    ]
