"""Summaries on their way to Slack and Telegram, over real HTTP."""

from typing import Any

import pytest

from lakehouse import delivery
from lakehouse import settings as settings_module
from lakehouse.api.examples import EXAMPLES
from lakehouse.errors import SettingsError
from lakehouse.settings import Settings
from lakehouse.stack.ports import free_ports
from lakehouse.summary import pulse_facts
from lakehouse.summary_writer import write
from tests.chat_servers import (
    SLACK_BUSY,
    SLACK_ILL,
    TELEGRAM_BUSY,
    TELEGRAM_CHAT,
    TELEGRAM_ILL,
    TELEGRAM_TOKEN,
    slack,
    telegram,
)
from tests.recorders import Reply

RENDERED = write(pulse_facts(EXAMPLES["/pulse"]), None).rendered
OFF = delivery.Delivery("slack", "off")


def settings_of(**given: Any) -> Settings:
    return settings_module.load(_env_file=None, **given)


def of_telegram(url: str, **more: Any) -> Settings:
    given = {"telegram_bot_token": TELEGRAM_TOKEN, "telegram_chat_id": TELEGRAM_CHAT, **more}
    return settings_of(telegram_base_url=url, **given)


@pytest.mark.parametrize("before", [(), (SLACK_BUSY,), (SLACK_ILL, SLACK_ILL)])
def test_slack_gets_the_message_in_the_end(before: tuple[Reply, ...]) -> None:
    with slack() as server:
        server.then(*before)
        found = delivery.send(settings_of(slack_webhook_url=server.webhook_url), "slack", RENDERED)
    assert (found.outcome, server.taken) == ("ok", [RENDERED["slack"]])
    assert len(server.asked) == len(before) + 1


@pytest.mark.parametrize("before", [(), (TELEGRAM_BUSY,), (TELEGRAM_ILL,)])
def test_telegram_gets_the_message_in_the_end(before: tuple[Reply, ...]) -> None:
    with telegram() as server:
        server.then(*before)
        found = delivery.send(of_telegram(server.url), "telegram", RENDERED)
    assert found.outcome == "ok"
    [taken] = server.taken
    assert taken["text"] == RENDERED["telegram"]["text"]
    assert (taken["chat_id"], taken["parse_mode"]) == (TELEGRAM_CHAT, "HTML")


def test_the_wait_that_is_asked_for_is_kept() -> None:
    with telegram() as bot, slack() as hook:
        bot.then(TELEGRAM_BUSY)
        hook.then(SLACK_BUSY)
        delivery.send(of_telegram(bot.url), "telegram", RENDERED)
        delivery.send(settings_of(slack_webhook_url=hook.webhook_url), "slack", RENDERED)
    for server in (bot, hook):
        first, second = server.asked
        assert 0.9 < second.at - first.at < 3


def test_a_refusal_is_told_in_the_receivers_words_without_a_secret() -> None:
    with telegram() as server:
        wrong_chat = of_telegram(server.url, telegram_chat_id="7")
        found = delivery.send(wrong_chat, "telegram", RENDERED)
        assert found.words == "it answered 400: Bad Request: chat not found"
        wrong_token = of_telegram(server.url, telegram_bot_token="1:SECRET")
        assert delivery.send(wrong_token, "telegram", RENDERED).words == (
            "it answered 401: Unauthorized"
        )
        assert len(server.asked) == 2
    with slack() as hook:
        hook.then(Reply(400, "invalid_blocks"), Reply(403, f"no {hook.webhook_url}"))
        chosen = settings_of(slack_webhook_url=hook.webhook_url)
        told = [delivery.send(chosen, "slack", RENDERED).words for _ in range(2)]
    assert told == ["it answered 400: invalid_blocks", "it answered 403"]


def test_nobody_there_is_told_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "_ATTEMPTS", 2)
    url = f"http://127.0.0.1:{free_ports(1)[0]}/SECRET"
    found = delivery.send(settings_of(slack_webhook_url=url), "slack", RENDERED)
    assert found == delivery.Delivery("slack", "failed", "it does not answer: Connection refused")


def test_a_redirect_is_not_followed() -> None:
    with slack() as elsewhere, slack() as server:
        server.then(Reply(307, "", {"Location": elsewhere.webhook_url}))
        chosen = settings_of(slack_webhook_url=server.webhook_url)
        assert delivery.send(chosen, "slack", RENDERED).words == "it answered 307"
    assert elsewhere.asked == []


def test_what_is_not_configured_is_off_or_asked_for() -> None:
    half = settings_of(telegram_bot_token=TELEGRAM_TOKEN)
    assert delivery.send(half, "telegram", RENDERED).outcome == "off"
    assert delivery.send(settings_of(), "slack", RENDERED) == OFF
    with pytest.raises(SettingsError, match="TELEGRAM_CHAT_ID is empty"):
        delivery.require(half, ("telegram",))
    with pytest.raises(SettingsError, match="SLACK_WEBHOOK_URL is empty"):
        delivery.require(half, ("slack",))
    delivery.require(half, ())
