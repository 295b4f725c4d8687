"""The local Slack, Telegram, Jira and model are as strict as the real ones: tests lean on them."""

from typing import Any

import httpx
import pytest

from tests.chat_servers import (
    JIRA_EMAIL,
    JIRA_TOKEN,
    SLACK_BUSY,
    TELEGRAM_CHAT,
    TELEGRAM_TOKEN,
    jira,
    slack,
    telegram,
    wrong_in_slack,
    wrong_in_telegram,
)
from tests.llm_server import facts_in


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


@pytest.mark.parametrize(
    ("message", "wrong"),
    [
        ({"text": "a"}, ""),
        ({"blocks": [section("a")] * 50}, ""),
        ({"text": " "}, "no_text"),
        ({"blocks": [section("a")] * 51}, "invalid_blocks"),
        ({"blocks": [section("a" * 3001)]}, "invalid_blocks"),
        ({"blocks": [section("")]}, "invalid_blocks"),
        ({"blocks": [{"type": "headline"}]}, "invalid_blocks"),
        ([], "invalid_payload"),
    ],
)
def test_slack_is_strict(message: Any, wrong: str) -> None:
    assert wrong_in_slack(message) == wrong


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("<b>a</b> &lt; <pre>&amp;</pre>", ""),
        ("&lt;" * 4096, ""),
        ("a" * 4097, "too long"),
        ("a < b", "parse entities"),
        ("<b>a", "parse entities"),
        ("<table>a</table>", "parse entities"),
        ("<b></b>", "empty"),
    ],
)
def test_telegram_is_strict(text: str, wrong: str) -> None:
    message = {"chat_id": TELEGRAM_CHAT, "text": text, "parse_mode": "HTML"}
    assert wrong in wrong_in_telegram(message) and bool(wrong) == bool(wrong_in_telegram(message))


def test_they_answer_as_told_first_and_by_their_rules_then() -> None:
    with slack() as server:
        server.then(SLACK_BUSY)
        told = [httpx.post(server.webhook_url, json={"text": "a"}) for _ in range(2)]
        told.append(httpx.post(f"{server.url}/elsewhere", json={"text": "a"}))
    assert [each.status_code for each in told] == [429, 200, 404]
    assert told[0].headers["retry-after"] == "1" and told[1].text == "ok"
    assert (len(server.asked), server.taken) == (3, [{"text": "a"}])


def test_telegram_wants_its_token() -> None:
    message = {"chat_id": TELEGRAM_CHAT, "text": "a"}
    with telegram() as server:
        good = httpx.post(f"{server.url}/bot{TELEGRAM_TOKEN}/sendMessage", json=message)
        form = httpx.post(f"{server.url}/bot{TELEGRAM_TOKEN}/sendMessage", data=message)
        bad = httpx.post(f"{server.url}/bot1:2/sendMessage", json=message)
    assert good.json()["result"]["message_id"] == 1 and form.json()["ok"]
    assert bad.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}


def test_jira_wants_its_key_and_a_whole_issue() -> None:
    doc = {"type": "doc", "version": 1, "content": []}
    fields = {"project": {"key": "FIRE"}, "summary": "a", "issuetype": {"name": "Task"}}
    with jira() as server:
        path, auth = f"{server.url}/rest/api/3/issue", (JIRA_EMAIL, JIRA_TOKEN)
        made = httpx.post(path, json={"fields": {**fields, "description": doc}}, auth=auth)
        plain = httpx.post(path, json={"fields": {**fields, "description": "a"}}, auth=auth)
        nobody = httpx.post(path, json={})
    assert (made.status_code, made.json()["key"]) == (201, "FIRE-1")
    assert plain.status_code == 400 and set(plain.json()["errors"]) == {"description"}
    assert nobody.status_code == 401 and len(server.taken) == 1


def test_the_model_finds_the_facts_in_a_prompt() -> None:
    text = "SOURCE status: ok\n  newest minute: 13:30\n\nSYMBOL A\n  direction: up\n  price: 1.00"
    found = facts_in([{"role": "user", "content": text}])
    assert found["source"] == {"SOURCE status": "ok", "newest minute": "13:30"}
    assert found["symbols"] == [{"symbol": "A", "direction": "up", "price": "1.00"}]
