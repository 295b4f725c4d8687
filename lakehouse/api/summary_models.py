"""What the paths of summaries take and answer; docs/summaries.md tells what stands in `facts`."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lakehouse.api.models import Answer, Instant
from lakehouse.api.seal import FIELD
from lakehouse.summary import Facts
from lakehouse.summary_record import Report

Outcome = Literal["ok", "failed", "off"]
Kind = Literal["pulse", "spike"]
SealedFacts = Annotated[
    dict[str, Any], Field(description=f"as a brief of this API has them, `{FIELD}` included")
]
Words = Annotated[str, Field(max_length=200)]
EventId = Annotated[str, Field(max_length=200, examples=["binance-BTCUSDT-2026-11-21T13:30:00Z"])]

# A longer answer of a model is cut: it is refused by then, whatever it says.
MOST_COMPLETION = 65_536


class Body(BaseModel):
    """A member that is not named is a mistake, not silence."""

    model_config = ConfigDict(extra="forbid")


class Message(Answer):
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


class Rendered(Answer):
    """One message in all its forms. Post `slack` to an incoming webhook as it is; `telegram` lacks
    its chat_id only; `jira` is for a spike: `summary` and `description` of an issue."""

    slack: dict[str, Any]
    telegram: dict[str, Any]
    plain: str
    jira: dict[str, Any] | None
    source: Literal["llm", "template"]


class Brief(Answer):
    """What to ask a model, and what to send where it has no good answer."""

    kind: Kind
    prompt_version: str
    facts: SealedFacts
    messages: list[Message]
    fallback: Rendered


class VerdictBody(Body):
    """An answer of a model, and the facts that it was asked about."""

    facts: SealedFacts
    completion: Annotated[str | None, Field(description="null: it gave none")]


class Verdict(Answer):
    """Whether the facts bear the answer out: what to send, or what to ask once more."""

    ok: bool
    complaints: list[str]
    summary: dict[str, Any] | None
    rendered: Rendered | None
    retry_messages: list[Message]


class Judged(Body):
    """The verdict as the sender had it; counts where there is no completion."""

    ok: bool
    complaints: Annotated[list[Annotated[str, Field(max_length=2_000)]], Field(max_length=50)]


class Sent(Body):
    """What became of the message on each channel; off: not configured, or not wanted."""

    slack: Outcome = "off"
    telegram: Outcome = "off"
    jira: Outcome = "off"


class SummaryBody(Body):
    """A message that was told to people, or that could not be."""

    kind: Kind
    event_id: EventId | None
    workflow: Words
    execution_url: Annotated[str | None, Field(max_length=2_000)]
    prompt_version: Words
    facts: SealedFacts
    completion: str | None
    verdict: Judged
    attempts: Annotated[int, Field(ge=0, le=10)]
    source: Literal["llm", "template"]
    sent: Sent
    text: Annotated[str, Field(max_length=20_000, description="`plain` of what was sent")]

    def report(self, facts: Facts) -> Report:
        """For the record, with the facts that the seal has proved."""
        cut = None if self.completion is None else self.completion[:MOST_COMPLETION]
        return Report(
            facts=facts,
            workflow=self.workflow,
            prompt_version=self.prompt_version,
            source=self.source,
            text=self.text,
            attempts=self.attempts,
            event_id=self.event_id,
            execution_url=self.execution_url,
            completion=cut,
            complaints=self.verdict.complaints,
            sent=self.sent.model_dump(),
        )


class Recorded(Answer):
    """The summary's id; the same report has the same one."""

    summary_id: str


class Summary(Answer):
    """One row of `ops_summary` (docs/tables.md); `facts` as an object."""

    summary_id: str
    kind: Kind
    event_id: str | None
    created_at: Instant
    workflow: str
    execution_url: str | None
    prompt_version: str
    facts: dict[str, Any]
    facts_digest: str
    completion: str | None
    verified: bool
    complaints: list[str]
    attempts: int
    source: Literal["llm", "template"]
    text: str
    sent_slack: Outcome
    sent_telegram: Outcome
    sent_jira: Outcome


class Summaries(Answer):
    """GET /v1/summaries: newest first, all since `since` (null: since the table's beginning)."""

    summaries: list[Summary]
    since: Instant | None
    next: str | None
