"""Slack, Telegram and Jira as local servers: they take what the real ones take, and keep it.

What the real ones refuse is refused: malformed blocks, HTML that Telegram can't parse, a missing
summary. `then` of tests/recorders.py makes them busy or ill.
"""

import base64
import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl

from tests.recorders import Asked, Recorder, Reply, served

SLACK_PATH = "/services/T0/B0/SLACK-SECRET"
TELEGRAM_TOKEN = "12345:TELEGRAM-SECRET"
TELEGRAM_CHAT = "-100200300"
JIRA_EMAIL, JIRA_TOKEN, JIRA_PROJECT = "ops@example.org", "JIRA-SECRET", "FIRE"

SLACK_BUSY = Reply(429, "rate_limited", {"Retry-After": "1"})
SLACK_ILL = Reply(500, "server_error")
TELEGRAM_BUSY = Reply(
    429,
    {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 1",
        "parameters": {"retry_after": 1},
    },
)
TELEGRAM_ILL = Reply(502, "<html>Bad Gateway</html>")

_BLOCKS = {"header", "section", "divider", "context", "rich_text", "table", "markdown"}
_TAGS = {"b", "strong", "i", "em", "u", "s", "code", "pre", "a", "blockquote", "tg-spoiler"}


class Slack(Recorder):
    """An incoming webhook. `taken`: the messages that were answered with ok."""

    def __init__(self) -> None:
        super().__init__(self._rule_of_slack)
        self.taken: list[dict[str, Any]] = []

    @property
    def webhook_url(self) -> str:
        return f"{self.url}{SLACK_PATH}"

    def _rule_of_slack(self, asked: Asked) -> Reply:
        if asked.path != SLACK_PATH:
            return Reply(404, "no_service")
        try:
            message = asked.json()
        except ValueError:
            return Reply(400, "invalid_payload")
        if wrong := wrong_in_slack(message):
            return Reply(400, wrong)
        self.taken.append(message)
        return Reply(200, "ok")


class Telegram(Recorder):
    """The Bot API's sendMessage, JSON or form. `taken`: the messages that came through."""

    def __init__(self) -> None:
        super().__init__(self._rule_of_telegram)
        self.taken: list[dict[str, Any]] = []

    def _rule_of_telegram(self, asked: Asked) -> Reply:
        if not asked.path.startswith(f"/bot{TELEGRAM_TOKEN}/"):
            return _telegram_refuses(401, "Unauthorized")
        if asked.path.split("?")[0].rpartition("/")[2] != "sendMessage":
            return _telegram_refuses(404, "Not Found")
        message = _fields(asked)
        if wrong := wrong_in_telegram(message):
            return _telegram_refuses(400, f"Bad Request: {wrong}")
        self.taken.append(message)
        told = {"message_id": len(self.taken), "date": 1763726400, "text": message["text"]}
        chat = {"id": int(message["chat_id"]), "type": "supergroup"}
        return Reply(200, {"ok": True, "result": {**told, "chat": chat}})


class Jira(Recorder):
    """Create issue of REST API 3. `taken`: the fields of each issue that was made."""

    def __init__(self) -> None:
        super().__init__(self._rule_of_jira)
        self.taken: list[dict[str, Any]] = []

    def _rule_of_jira(self, asked: Asked) -> Reply:
        known = base64.b64encode(f"{JIRA_EMAIL}:{JIRA_TOKEN}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {known}":
            return Reply(401, {"errorMessages": ["You are not authenticated."], "errors": {}})
        if (asked.method, asked.path) != ("POST", "/rest/api/3/issue"):
            return Reply(404, {"errorMessages": ["There is no such path."], "errors": {}})
        fields = asked.json().get("fields", {})
        if wrong := wrong_in_jira(fields):
            return Reply(400, {"errorMessages": [], "errors": wrong})
        self.taken.append(fields)
        number = len(self.taken)
        made = {"id": str(10_000 + number), "key": f"{JIRA_PROJECT}-{number}"}
        return Reply(201, {**made, "self": f"{self.url}/rest/api/3/issue/{10_000 + number}"})


def wrong_in_slack(message: Any) -> str:
    """Slack's word for what it would refuse in a message; empty where it takes it."""
    if not isinstance(message, dict):
        return "invalid_payload"
    blocks = message.get("blocks", [])
    if not blocks and not str(message.get("text", "")).strip():
        return "no_text"
    if not isinstance(blocks, list) or len(blocks) > 50:
        return "invalid_blocks"
    return "" if all(_is_block(each) for each in blocks) else "invalid_blocks"


def wrong_in_telegram(message: dict[str, Any]) -> str:
    """Telegram's words for what it would refuse in a message; empty where it takes it."""
    if str(message.get("chat_id")) != TELEGRAM_CHAT:
        return "chat not found"
    text = str(message.get("text", ""))
    if message.get("parse_mode") == "HTML":
        reader = _TelegramHtml()
        reader.feed(text)
        reader.close()
        if reader.wrong or reader.opened:
            return f"can't parse entities: {reader.wrong or 'a tag is not closed'}"
        text = reader.text
    if not text.strip():
        return "message text is empty"
    return "message is too long" if len(text) > 4096 else ""


def wrong_in_jira(fields: dict[str, Any]) -> dict[str, str]:
    """Jira's words by field for what it would refuse."""
    wrong = {}
    if fields.get("project", {}).get("key") != JIRA_PROJECT:
        wrong["project"] = "valid project is required"
    summary = fields.get("summary")
    if not isinstance(summary, str) or not summary.strip() or len(summary) > 255:
        wrong["summary"] = "You must specify a summary of 255 characters at most."
    elif "\n" in summary:
        wrong["summary"] = "The summary is invalid because it contains newline characters."
    if not fields.get("issuetype"):
        wrong["issuetype"] = "Specify an issue type"
    description = fields.get("description", {})
    if not isinstance(description, dict) or description.get("type") != "doc":
        wrong["description"] = "Operation value must be an Atlassian Document"
    return wrong


class _TelegramHtml(HTMLParser):
    """What Telegram makes of HTML: the text without tags, and what is wrong with it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.text, self.wrong = "", ""
        self.opened: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            self.wrong = f'unsupported start tag "{tag}"'
        self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.opened or self.opened.pop() != tag:
            self.wrong = f'unexpected end tag "{tag}"'

    def handle_data(self, data: str) -> None:
        if "<" in data:
            self.wrong = "a < that begins no tag"
        self.text += data

    def handle_entityref(self, name: str) -> None:
        self.text += html.unescape(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.text += html.unescape(f"&#{name};")


def _is_block(block: Any) -> bool:
    if not isinstance(block, dict) or block.get("type") not in _BLOCKS:
        return False
    texts = [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
    most = {"header": 150}.get(block["type"], 3000)
    told = [each["text"] for each in texts if isinstance(each, dict) and "text" in each]
    return all(isinstance(each, str) and 1 <= len(each) <= most for each in told)


def _fields(asked: Asked) -> dict[str, Any]:
    if "json" in asked.headers.get("content-type", ""):
        found: dict[str, Any] = asked.json()
        return found
    return dict(parse_qsl(asked.body.decode()))


def _telegram_refuses(status: int, words: str) -> Reply:
    return Reply(status, {"ok": False, "error_code": status, "description": words})


def numbers_in(text: str) -> set[str]:
    """The numbers of a message, as they are written, without thousands separators."""
    found = re.findall(r"\d[\d,]*(?:\.\d+)?", text)
    return {each.rstrip(",").replace(",", "") for each in found}


@contextmanager
def slack(port: int = 0) -> Iterator[Slack]:
    found = Slack()
    with served(found, port):
        yield found


@contextmanager
def telegram(port: int = 0) -> Iterator[Telegram]:
    found = Telegram()
    with served(found, port):
        yield found


@contextmanager
def jira(port: int = 0) -> Iterator[Jira]:
    found = Jira()
    with served(found, port):
        yield found
