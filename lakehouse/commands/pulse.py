"""`firehose pulse`: the Market Pulse in words, printed and sent, without n8n and the API."""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from lakehouse.commands import DataDir, progress, settings_for
from lakehouse.delivery import CHANNELS, Channel, Delivery, require, send
from lakehouse.errors import FirehoseError, SettingsError, UnreachableError
from lakehouse.setting_values import names
from lakehouse.settings import Settings

if TYPE_CHECKING:
    from lakehouse.summary import Facts
    from lakehouse.summary_writer import Written

WORKFLOW = "firehose pulse"


class Shown(StrEnum):
    """How the pulse is printed."""

    text = "text"
    json = "json"


Symbols = Annotated[
    str | None, typer.Option(metavar="A,B", help="Only these; default: every symbol of the lake.")
]
Send = Annotated[
    str | None,
    typer.Option("--send", metavar="slack,telegram", help="Send it there too: one, or both."),
]
Template = Annotated[
    bool, typer.Option("--template", help="Ask no model, though LLM_BASE_URL is set.")
]
HowPrinted = Annotated[Shown, typer.Option("--format", help="text, or json for scripts.")]
Recorded = Annotated[
    bool, typer.Option("--record/--no-record", help="Put the summary into ops_summary.")
]


def pulse(
    symbols: Symbols = None,
    to: Send = None,
    template: Template = False,
    fmt: HowPrinted = Shown.text,
    recorded: Recorded = True,
    data_dir: DataDir = None,
) -> None:
    """Print the market now in a few verified words, and send them where --send says.

    LLM_MODEL at LLM_BASE_URL writes them, and each number is held against the lake; else, or where
    its words don't hold twice, a template does. docs/summaries.md has the rules.
    """
    # Imported here because it takes a second or two, which the other commands need not pay.
    from lakehouse.llm import Model
    from lakehouse.summary_writer import write

    settings, channels = settings_for(data_dir), _channels(to)
    require(settings, channels)
    model = None if template else Model.of(settings)
    facts = _facts(settings, names(symbols or ""))
    written = write(facts, model.ask if model else None)
    if model is not None and written.source == "template":
        progress(f"The model's words are not used. {' '.join(written.complaints)}")
    if fmt is Shown.text:
        print(written.rendered["plain"], flush=True)
    sent = [send(settings, channel, written.rendered) for channel in channels]
    summary_id = _record(settings, facts, written, sent) if recorded else None
    if fmt is Shown.json:
        print(json.dumps(_as_json(facts, written, sent, summary_id), ensure_ascii=False, indent=1))
    _raise_if_failed(sent)


def _channels(given: str | None) -> tuple[Channel, ...]:
    wanted = names(given or "")
    for name in wanted:
        if name not in CHANNELS:
            raise SettingsError(
                f"--send {name} is no channel.", f"There are {' and '.join(CHANNELS)}."
            )
    return cast("tuple[Channel, ...]", wanted)


def _facts(settings: Settings, names: Sequence[str]) -> "Facts":
    """What the API's pulse would say now; SettingsError for what the lake has no minute of."""
    from lakehouse.api import views
    from lakehouse.api.refresher import Refresher
    from lakehouse.summary import pulse_facts

    refresher = Refresher(settings)
    try:
        snapshot = refresher.read()
    except FirehoseError:
        raise
    except Exception as error:  # whatever a reader of files raises
        raise UnreachableError(
            f"The lake can't be read: {type(error).__name__}.", "`firehose doctor` may know why."
        ) from None
    if not snapshot.items:
        raise SettingsError("Gold has no rows yet.", "Fill it first with `firehose run`.")
    keys = [key for key in snapshot.items if not names or key.symbol in names]
    for name in {*names} - {key.symbol for key in keys}:
        raise SettingsError(f"There is no minute of {name} in the newest 25 hours of the lake.")
    known = refresher.state.facts(snapshot, settings.freshness_seconds)
    now_micros = int(datetime.now(UTC).timestamp() * 1_000_000)
    return pulse_facts(views.pulse(snapshot, keys, views.source(snapshot, known, now_micros)))


def _record(
    settings: Settings, facts: "Facts", written: "Written", sent: Sequence[Delivery]
) -> str | None:
    """The id of the summary; None where it could not be written and nobody else has seen it."""
    from lakehouse.summary_record import Report, put_on_record

    report = Report(
        facts=facts,
        workflow=WORKFLOW,
        prompt_version=written.prompt_version,
        source=written.source,
        text=written.rendered["plain"],
        attempts=written.attempts,
        completion=written.completion,
        complaints=written.complaints,
        sent={each.channel: each.outcome for each in sent},
    )
    row = report.row(uuid.uuid4().hex)
    try:
        put_on_record(settings, [row])
    except FirehoseError as error:
        if sent:
            raise
        progress(f"The summary is not on record: {error}")
        return None
    return str(row["summary_id"])


def _as_json(
    facts: "Facts", written: "Written", sent: Sequence[Delivery], summary_id: str | None
) -> dict[str, Any]:
    return {
        "summary_id": summary_id,
        "source": written.source,
        "prompt_version": written.prompt_version,
        "attempts": written.attempts,
        "completion": written.completion,
        "complaints": list(written.complaints),
        "sent": {each.channel: each.outcome for each in sent},
        "facts": facts.to_json(),
        "rendered": written.rendered,
    }


def _raise_if_failed(sent: Sequence[Delivery]) -> None:
    failed = [f"{each.channel} ({each.words})" for each in sent if each.outcome == "failed"]
    if failed:
        raise UnreachableError(
            f"The summary did not arrive at {', '.join(failed)}.",
            "Check the address, the token and the chat in the settings.",
        )
