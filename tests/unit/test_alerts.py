"""When something is told, and in which words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lakehouse.alerts import REMIND_AFTER, Ledger, News, Subject, message

T0 = datetime(2024, 8, 9, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BAD = Subject("check:t.c", "fail", "t: c", "Expected: x. Found: a=1", "mend it")
WELL = Subject("check:t.c", "well", "t: c")


def kinds(news: list[News]) -> list[str]:
    return [each.kind for each in news]


def test_each_turn_is_told_once() -> None:
    ledger = Ledger()
    assert ledger.see([WELL], T0) == []
    assert kinds(ledger.see([BAD], T0)) == ["new"]
    assert ledger.see([BAD], T0 + MINUTE) == []
    [news] = ledger.see([WELL], T0 + 2 * MINUTE)
    assert (news.kind, news.since) == ("well", T0)
    assert ledger.see([WELL], T0 + 3 * MINUTE) == []
    assert kinds(ledger.see([BAD], T0 + 4 * MINUTE)) == ["new"], "a second turn is news again"


def test_a_reminder_comes_every_hour_at_most() -> None:
    ledger = Ledger()
    ledger.see([BAD], T0)
    told = [at for at in range(1, 300) if ledger.see([BAD], T0 + at * MINUTE)]
    assert told == [60, 120, 180, 240]


def test_what_was_told_before_a_restart_is_not_told_again() -> None:
    ledger = Ledger()
    ledger.remember(BAD.key, T0 - MINUTE, T0)
    assert ledger.bad(BAD.key)
    assert ledger.see([BAD], T0 + MINUTE) == []
    [news] = ledger.see([BAD], T0 + REMIND_AFTER)
    assert (news.kind, news.since) == ("still", T0 - MINUTE)
    assert kinds(ledger.see([WELL], T0 + REMIND_AFTER)) == ["well"]


def test_an_event_is_told_each_time_and_needs_no_end() -> None:
    ledger = Ledger()
    event = Subject("stream:x", "warn", "x", "started again", passing=True)
    assert kinds(ledger.see([event, Subject("stream:x", "well", "x")], T0)) == ["new"]
    assert not ledger.bad("stream:x")


def body(*news: News) -> dict[str, Any]:
    found = message(news, "/data/<lake>", T0)
    assert isinstance(found, dict)
    return found


def test_a_message_says_what_why_when_and_what_to_do() -> None:
    found = body(News(BAD, "new", T0), News(WELL, "well", T0 - MINUTE))
    assert found["text"] == "Firehose: 1 failed, 1 well again: t: c (/data/&lt;lake&gt;)"
    bad, well, about = found["blocks"]
    assert bad["text"]["text"].split("\n") == [
        ":red_circle: *t: c*: failed",
        "Expected: x. Found: a=1",
        "What to do: mend it",
    ]
    assert "well again; it was not since 2024-08-09 11:59:00 UTC" in well["text"]["text"]
    assert "2024-08-09 12:00:00 UTC · docs/checks.md#alerts" in about["elements"][0]["text"]


def test_a_subject_without_advice_has_no_empty_line() -> None:
    found = body(News(Subject("k", "warn", "title", "why"), "still", T0))
    assert found["blocks"][0]["text"]["text"] == (
        ":large_yellow_circle: *title*: warning, still so since 2024-08-09 12:00:00 UTC\nwhy"
    )


@pytest.mark.parametrize("count", [1, 20, 21, 300])
def test_slack_takes_a_message_of_any_length(count: int) -> None:
    long = Subject("k", "fail", "t", "&" * 4000, "do")
    found = body(*(News(long, "new", T0) for _ in range(count)))
    assert len(found["blocks"]) <= 50
    texts = [block["text"]["text"] for block in found["blocks"] if "text" in block]
    assert all(len(text) <= 3000 for text in texts)
    assert all(text.count("&") == text.count("&amp;") for text in texts), "no torn escapes"
    assert (f"… and {count - 20} more" in texts[-1]) == (count > 20)
