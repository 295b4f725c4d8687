"""Delivery of alerts to a real HTTP server: patient where that helps, quiet about the address."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lakehouse.alerts import News, Subject, message
from lakehouse.cli import app
from lakehouse.errors import SettingsError, UnreachableError
from lakehouse.http_post import Refused, Target, deliver
from lakehouse.stack.ports import free_ports
from lakehouse.webhook import Messenger, send_test
from tests.webhooks import webhook

NOW = datetime(2024, 8, 9, tzinfo=UTC)
BODY = message([News(Subject("k", "fail", "é & <t>", "why"), "new", NOW)], "lake", NOW)


def test_a_message_arrives_as_it_is() -> None:
    with webhook() as hook:
        deliver(Target(hook.url, "ALERT_WEBHOOK_URL"), BODY)
    assert hook.taken == [BODY]
    assert hook.types == ["application/json; charset=utf-8"]


def test_faults_of_the_server_are_outlasted() -> None:
    with webhook([(503, {}), (500, {})]) as hook:
        deliver(Target(hook.url, "ALERT_WEBHOOK_URL"), BODY)
    assert (len(hook.asked), hook.taken) == (3, [BODY])


def test_too_many_requests_are_followed_by_the_wait_that_was_asked_for() -> None:
    with webhook([(429, {"Retry-After": "2"})]) as hook:
        deliver(Target(hook.url, "ALERT_WEBHOOK_URL"), BODY)
    first, second = hook.asked
    assert second.at - first.at >= 1.9


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refusal_is_taken_as_one(status: int) -> None:
    with webhook([(status, {})]) as hook, pytest.raises(Refused) as caught:
        deliver(Target(hook.url, "ALERT_WEBHOOK_URL"), BODY)
    assert (len(hook.asked), caught.value.status) == (1, status)


def test_patience_has_an_end() -> None:
    with webhook([(503, {})] * 50) as hook, pytest.raises(Refused, match="503"):
        deliver(Target(hook.url, "ALERT_WEBHOOK_URL"), BODY, attempts=3)
    assert len(hook.asked) == 3


@pytest.mark.parametrize("address", ["nonsense/SECRET", "http://[SECRET", "http://SECRET:x/"])
def test_what_is_no_address_is_told_without_it(address: str) -> None:
    with pytest.raises((SettingsError, UnreachableError)) as caught:
        send_test(address, BODY)
    assert "SECRET" not in str(caught.value)


def test_nobody_there_is_told_in_the_log_without_the_address(
    capfd: pytest.CaptureFixture[str],
) -> None:
    told: list[str] = []
    url = f"http://127.0.0.1:{free_ports(1)[0]}/SECRET"
    messenger = Messenger(url, told.append, seconds=0.2)
    messenger.send(BODY)
    assert messenger.flush(20)
    assert told == [
        "An alert could not be delivered to ALERT_WEBHOOK_URL: it does not answer: "
        "Connection refused."
    ]
    printed = capfd.readouterr()
    assert "SECRET" not in printed.out + printed.err, "neither do the retries tell it"


def test_a_sender_never_waits_and_the_next_message_has_its_chance() -> None:
    told: list[str] = []
    with webhook([(404, {})]) as hook:
        messenger = Messenger(hook.url, told.append)
        began = time.monotonic()
        for _ in range(3):
            messenger.send(BODY)
        assert time.monotonic() - began < 0.5
        assert messenger.flush(20)
    assert (len(hook.taken), len(told)) == (2, 1)


def test_too_many_waiting_messages_are_dropped_and_told() -> None:
    told: list[str] = []
    with webhook([(429, {"Retry-After": "3"})]) as hook:
        messenger = Messenger(hook.url, told.append)
        for _ in range(110):
            messenger.send(BODY)
        assert not messenger.flush(0.2)
    assert 8 <= len(told) <= 10
    assert "too many wait" in told[0]


def command(tmp_path: Path, url: str) -> object:
    words = ["check", "--test-alert", "--data-dir", str(tmp_path)]
    return CliRunner().invoke(app, words, env={"ALERT_WEBHOOK_URL": url}).exception


def test_a_test_message_is_sent_or_the_reason_told(tmp_path: Path) -> None:
    with webhook() as hook:
        assert command(tmp_path, hook.url) is None
        assert "only a test" in hook.texts()[0]
        hook.taken.clear()
    assert isinstance(command(tmp_path, hook.url), UnreachableError)
    with webhook([(404, {})]) as hook:
        error = command(tmp_path, hook.url)
    assert isinstance(error, SettingsError) and "404" in str(error) and "SECRET" not in str(error)
    nowhere = command(tmp_path, "")
    assert isinstance(nowhere, SettingsError) and "ALERT_WEBHOOK_URL is empty" in str(nowhere)
