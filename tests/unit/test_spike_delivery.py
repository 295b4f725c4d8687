"""What answers mean, when an event is tried again, and what the line makes of it."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from lakehouse.spike_delivery import LIFE, Answer, Verdict, pause
from spark_jobs.spike_line import DELIVERED, EXPIRED, PENDING, REFUSED, Entry, Line

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DOWN = Answer(0, words="it does not answer: Connection refused")


def entry(number: int, at: datetime = NOON) -> Entry:
    return Entry(f"e{number}", "{}", at + timedelta(seconds=number))


def line(count: int = 1) -> Line:
    found = Line(Random(0))
    found.join(entry(n) for n in range(count))
    return found


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        *((Answer(status), Verdict.DELIVERED) for status in (200, 201, 202, 204)),
        (Answer(409, "already_handled"), Verdict.DELIVERED),
        *((Answer(status), Verdict.LATER) for status in (0, 404, 408, 425, 429, 500, 502, 503)),
        (Answer(409, "under_way"), Verdict.LATER),
        *((Answer(status), Verdict.REFUSED) for status in (300, 302, 400, 401, 403, 410, 422)),
        (Answer(409), Verdict.REFUSED),
        (Answer(409, "something_else"), Verdict.REFUSED),
        (Answer(403, "already_handled"), Verdict.REFUSED),
    ],
)
def test_an_answer_is_judged(answer: Answer, verdict: Verdict) -> None:
    assert answer.verdict is verdict


def test_pauses_grow_up_to_a_minute_and_never_vanish() -> None:
    pauses = [pause(DOWN, failures, Random(failures)) for failures in range(12)]
    assert 0.5 <= pauses[0] <= 1 and 1 <= pauses[1] <= 2
    assert all(30 <= each <= 60 for each in pauses[6:])


@pytest.mark.parametrize(("asked", "least"), [(0, 1), (7, 7), (600, 600), (10**9, 3600)])
def test_a_wait_that_was_asked_for_is_kept(asked: float, least: float) -> None:
    found = pause(Answer(429, retry_after=asked), 3, Random(1))
    assert least <= found <= least * 1.1


def test_events_are_due_at_once_the_oldest_first_and_so_many_at_a_time() -> None:
    waiting = line(6)
    assert [each.event_id for each in waiting.due(0.0, 4)] == ["e0", "e1", "e2", "e3"]
    assert waiting.due(0.0, 4) == []
    assert waiting.answered("e2", Answer(200), 1.0, NOON).status == DELIVERED
    assert [each.event_id for each in waiting.due(1.0, 4)] == ["e4"]


def test_what_was_not_taken_is_due_again_after_its_pause() -> None:
    waiting = line()
    for failures in range(1, 5):
        [again] = waiting.due(1000.0 * failures, 4)
        assert again.attempts == failures - 1
        mark = waiting.answered("e0", DOWN, 1000.0 * failures, NOON)
        assert (mark.status, mark.settled, mark.entry.attempts) == (PENDING, False, failures)
        assert mark.last_error == DOWN.words and mark.delivered_at is None
        assert waiting.due(1000.0 * failures + 0.4, 4) == []
        assert waiting.failures("e0") == failures


@pytest.mark.parametrize(
    ("answer", "status"), [(Answer(200), DELIVERED), (Answer(401, words="401"), REFUSED)]
)
def test_what_is_settled_never_comes_back_in_this_start(answer: Answer, status: str) -> None:
    waiting = line()
    waiting.due(0.0, 4)
    mark = waiting.answered("e0", answer, 0.0, NOON)
    assert (mark.status, mark.settled, waiting.untried) == (status, True, 0)
    assert (mark.delivered_at is not None) == (status == DELIVERED)
    # The table may say `pending` still when it is read next.
    waiting.join([entry(0), entry(1)])
    assert [each.event_id for each in waiting.due(9e9, 4)] == ["e1"]


def test_an_event_is_given_up_after_a_day_and_not_while_it_is_under_way() -> None:
    waiting = line(2)
    assert waiting.expired(NOON + LIFE) == []
    [first] = waiting.due(0.0, 1)
    [mark] = waiting.expired(NOON + LIFE + timedelta(minutes=1))
    assert (mark.entry.event_id, mark.status) == ("e1", EXPIRED)
    assert mark.last_error == "given up after 24 hours"
    assert waiting.answered(first.event_id, Answer(200), 1.0, NOON).status == DELIVERED
    assert waiting.under_way == waiting.untried == 0
