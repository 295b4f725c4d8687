"""Rows of ops_summary for tests."""

from datetime import datetime
from typing import Any


def summary_row(kind: str, at: datetime, **more: Any) -> dict[str, Any]:
    """A summary of a model that was verified, and sent to Slack alone."""
    return {
        "summary_id": f"{kind}-{at:%H%M%S}",
        "kind": kind,
        "event_id": None,
        "created_at": at,
        "workflow": "Market Pulse",
        "execution_url": "http://127.0.0.1:5678/execution/1",
        "prompt_version": "1",
        "facts": "{}",
        "facts_digest": "0",
        "completion": "{}",
        "verified": True,
        "complaints": [],
        "attempts": 1,
        "source": "llm",
        "text": "BTCUSDT 61,990.10",
        "sent_slack": "ok",
        "sent_telegram": "off",
        "sent_jira": "off",
        **more,
    }
