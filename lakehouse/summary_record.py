"""Summaries on record: a row of `ops_summary` for each message that was told to people."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lakehouse.settings import Settings
from lakehouse.summary import Facts, verdict
from lakehouse.summary_outcomes import CHANNELS, handled
from lakehouse.table_append import append_rows
from lakehouse.tables import SUMMARY

Row = dict[str, Any]


@dataclass(frozen=True)
class Report:
    """What became of one message. `sent`: ok, failed or off by channel; one left out is off.

    `complaints` are the sender's own words, kept where there is no `completion` to judge.
    """

    facts: Facts
    workflow: str
    prompt_version: str
    source: str
    text: str
    attempts: int = 0
    event_id: str | None = None
    execution_url: str | None = None
    completion: str | None = None
    complaints: Sequence[str] = ()
    sent: Mapping[str, str] = field(default_factory=dict)

    def row(self, summary_id: str = "") -> Row:
        """The row. What the model said is judged anew here: nobody's word is taken for it."""
        judged = None if self.completion is None else verdict(self.facts, self.completion)
        digest = hashlib.sha256(self.facts.canonical.encode()).hexdigest()
        return {
            "summary_id": summary_id or self._id(digest),
            "kind": self.facts.kind,
            "event_id": self.event_id,
            "created_at": datetime.now(UTC),
            "workflow": self.workflow,
            "execution_url": self.execution_url,
            "prompt_version": self.prompt_version,
            "facts": self.facts.canonical,
            "facts_digest": digest,
            "completion": self.completion,
            "verified": judged is not None and judged["ok"],
            "complaints": list(judged["complaints"] if judged else self.complaints),
            "attempts": self.attempts,
            "source": self.source,
            "text": self.text,
            **{f"sent_{name}": self.sent.get(name, "off") for name in CHANNELS},
        }

    @property
    def handled(self) -> bool:
        """Whether people have it."""
        return handled({self.sent.get(name, "off") for name in CHANNELS})

    def _id(self, digest: str) -> str:
        """The same report has the same id, so that posting it twice does no harm."""
        outcomes = [f"{name}={self.sent.get(name, 'off')}" for name in CHANNELS]
        parts = [self.event_id or "", self.workflow, self.execution_url or "", digest, *outcomes]
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def put_on_record(settings: Settings, rows: Sequence[Mapping[str, Any]]) -> None:
    """One commit; raises as `append_rows` does."""
    append_rows(settings, SUMMARY, rows)
