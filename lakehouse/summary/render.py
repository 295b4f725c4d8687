"""Verified words → what Slack, Telegram, Jira and a terminal show. Pure.

What is wrong with the source stands first, whatever the words say. n8n posts these as they are.
"""

from typing import Any, Literal, TypedDict

from lakehouse.summary import jira, slack, telegram
from lakehouse.summary.facts import Facts
from lakehouse.summary.pieces import Pieces, pieces_of
from lakehouse.summary.template import Summary


class Rendered(TypedDict):
    """`slack`: body for an incoming webhook. `telegram`: fields of sendMessage, without chat_id.
    `jira`: `{"summary", "description"}` of an issue, for a spike only. `plain`: for a terminal."""

    slack: dict[str, Any]
    telegram: dict[str, Any]
    plain: str
    jira: dict[str, Any] | None
    source: Literal["llm", "template"]


def render(facts: Facts, summary: Summary) -> Rendered:
    """All forms of one message."""
    pieces = pieces_of(facts, summary)
    return Rendered(
        slack=slack.message(pieces),
        telegram=telegram.message(pieces),
        plain=plain(pieces),
        jira=jira.issue(pieces) if facts.kind == "spike" else None,
        source=summary.by,
    )


def plain(pieces: Pieces) -> str:
    """Lines for a terminal."""
    texts = [f"{mark} {text}" for mark, text in pieces.texts]
    warning = [pieces.warning, ""] if pieces.warning else []
    lines = [*warning, pieces.title, "", *pieces.table_lines, "", *texts, ""]
    return "\n".join([*lines, *pieces.footer])
