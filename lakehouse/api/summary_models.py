"""What the paths of summaries take and answer; docs/summaries.md tells what stands in `facts`."""

import json
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from lakehouse.api.models import Answer, Instant
from lakehouse.api.seal import FIELD
from lakehouse.summary import Facts
from lakehouse.summary_record import Report

_MOST_COMPLAINTS: Final = 50

Outcome = Literal["ok", "failed", "off"]
Kind = Literal["pulse", "spike"]
SealedFacts = Annotated[
    dict[str, Any], Field(description=f"as a brief of this API has them, `{FIELD}` included")
]


def _text(most: int) -> BeforeValidator:
    """A text cut to so many characters, anything else as JSON; what is no Unicode is replaced.

    A message is out by the time it is reported: nothing but a wrong figure is a reason to refuse.
    """

    def clean(value: object) -> object:
        if value is None:
            return None
        text = value if isinstance(value, str) else json.dumps(value)
        return text[:most].encode("utf-8", "replace").decode()

    return BeforeValidator(clean)


# A longer answer of a model than this does not hold, whatever it says.
MOST_COMPLETION: Final = 65_536
Words = Annotated[str, _text(200)]
Completion = Annotated[
    str | None, _text(MOST_COMPLETION), Field(description="as it came; null where none did")
]
EventId = Annotated[str, Field(max_length=200, examples=["binance-BTCUSDT-2026-11-21T13:30:00Z"])]


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
    completion: Completion


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
    complaints: list[Annotated[str, _text(2_000)]]


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
    execution_url: Annotated[str | None, _text(2_000)]
    prompt_version: Words
    facts: SealedFacts
    completion: Completion
    verdict: Judged
    attempts: Annotated[int, Field(ge=0, le=10)]
    source: Literal["llm", "template"]
    sent: Sent
    text: Annotated[str, _text(20_000), Field(description="`plain` of what was sent")]

    def report(self, facts: Facts) -> Report:
        """For the record, with the facts that the seal has proved."""
        return Report(
            facts=facts,
            workflow=self.workflow,
            prompt_version=self.prompt_version,
            source=self.source,
            text=self.text,
            attempts=self.attempts,
            event_id=self.event_id,
            execution_url=self.execution_url,
            completion=self.completion,
            complaints=self.verdict.complaints[:_MOST_COMPLAINTS],
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
