"""The real application tells of spikes through refusals and kills: each event once, or the same."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lakehouse.settings import Settings
from tests.commands import wait_for
from tests.integration.applications import (
    START,
    App,
    application,
    bronze_row,
    feed_rows,
    lake_settings,
    rows,
)
from tests.lakes import Row
from tests.spike_receiver import NO_ANSWER, SECRET, Attempt, Receiver, Reply, receiver

MINUTE = 60_000_000
OUTBOX = "SELECT event_id, body, status, attempts, last_error FROM lake.market.ops_spike ORDER BY 1"
SPIKES = "SELECT minute_ts FROM lake.market.crypto_gold_minute WHERE spike"
AUDITED = (
    "SELECT sum(rows_in)::INT AS settled, sum(rows_out)::INT AS delivered, "
    "sum(dq_fail)::INT AS refused FROM lake.market.ops_audit "
    "WHERE job = 'ops_spike' AND status = 'ok'"
)
FIRST, SECOND = "binance-BTCUSDT-2024-08-09T00:40:00Z", "binance-BTCUSDT-2024-08-09T00:50:00Z"


def minutes(first: int, end: int) -> list[Row]:
    """A trade a minute; a jump in each tenth minute from the 40th on."""
    found = []
    for minute in range(first, end):
        jump = minute >= 40 and minute % 10 == 0
        price = str(100 + minute // 10) if jump else f"{100 + minute % 3 / 100:.2f}"
        found.append(bronze_row(minute, START + minute * MINUTE, price, "50" if jump else "1"))
    return found


def told(folder: Path, hook: Receiver) -> Settings:
    return lake_settings(folder, spike_webhook_url=hook.url, spike_webhook_secret=SECRET)


def until(app: App, **counts: int) -> None:
    """Wait until the status file tells so many events of these statuses."""

    def there() -> bool:
        found = app.status().get("spikes", {})
        return app.ended or all(found.get(name) == count for name, count in counts.items())

    wait_for(there, 180, f"the outbox to hold {counts}")
    assert not app.ended, app.text()


def kept_quiet(*apps: App) -> None:
    """No log holds the secret or the address, and none tells of a fault."""
    for app in apps:
        assert "spike_marks_not_written" not in app.text()
        assert SECRET not in app.text() and "TOKEN-IN-PATH" not in app.text()


def the_same(attempts: Sequence[Attempt], event_id: str, body: str) -> None:
    """Every attempt is of this very event, and was signed for itself."""
    assert {each.event_id for each in attempts} == {event_id}
    assert {each.body for each in attempts} == {body.encode()}
    assert all(each.genuine for each in attempts)


def entry(settings: Settings, number: int) -> dict[str, Any]:
    return rows(settings, OUTBOX)[number]


def test_an_unwilling_receiver_gets_the_same_event_until_it_takes_it(tmp_path: Path) -> None:
    slow_down = Reply(429, {"Retry-After": "2"})
    with receiver([Reply(500), slow_down, Reply(NO_ANSWER)]) as hook:
        settings = told(tmp_path, hook)
        with application(settings) as app:
            app.until_ready()
            feed_rows(settings, minutes(0, 41))
            until(app, delivered=1)
            one = entry(settings, 0)
            assert (one["event_id"], one["status"], one["attempts"]) == (FIRST, "delivered", 4)
            assert [each.status for each in hook.attempts] == [500, 429, NO_ANSWER, 200]
            the_same(hook.attempts, FIRST, one["body"])
            assert len({each.signature for each in hook.attempts}) >= 3

            hook.replies.append(Reply(401))
            feed_rows(settings, minutes(41, 51))
            until(app, delivered=1, refused=1)
            two = entry(settings, 1)
            assert two["status"] == "refused" and two["last_error"] == "it answered 401"
            app.drained()
        assert rows(settings, AUDITED) == [{"settled": 2, "delivered": 1, "refused": 1}]

        with application(settings, name="again") as again:
            again.until_ready()
            until(again, delivered=2, refused=0)
            again.drained()
        the_same(hook.attempts[4:], SECOND, two["body"])
        assert [each.status for each in hook.attempts[4:]] == [401, 200]
        kept_quiet(app, again)


def test_killed_at_any_moment_it_tells_of_a_spike_exactly_once(tmp_path: Path) -> None:
    with receiver([Reply(after_seconds=900)]) as hook:
        settings = told(tmp_path, hook)
        with application(settings, name="first") as first:
            first.until_ready()
            feed_rows(settings, minutes(0, 41))
            # It dies as soon as Gold has the spike: before the outbox has it, most likely.
            deadline = time.monotonic() + 180
            while not rows(settings, SPIKES):
                assert time.monotonic() < deadline, first.text()
            first.kill()
        with application(settings, name="second") as second:
            second.until_ready()
            # The receiver is at work on it, and does not answer in this life.
            wait_for(lambda: not hook.replies, 120, "an attempt")
            second.kill()
        with application(settings, name="third") as third:
            third.until_ready()
            until(third, delivered=1)
            feed_rows(settings, minutes(41, 45))
            third.drained()
        [only] = rows(settings, OUTBOX)
        assert (only["event_id"], only["status"]) == (FIRST, "delivered")
        assert len(hook.taken) == 1, "the attempts of those that died have no answer yet"
        the_same(hook.attempts, FIRST, only["body"])
        kept_quiet(first, second, third)
