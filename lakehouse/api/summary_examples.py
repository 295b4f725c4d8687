"""An example of each answer about summaries, made as the answers themselves are made."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from lakehouse.api.examples import EXAMPLES
from lakehouse.api.seal import Seal
from lakehouse.spike_event import SpikeEvent, event_id
from lakehouse.summary import Facts, brief, pulse_facts, spike_facts, verdict
from lakehouse.summary_record import Report

_AT: Final = datetime(2026, 11, 21, 12, 34, 42, tzinfo=UTC)
_SEAL: Final = Seal(lambda: b"an example's key")
_ANSWER: Final = {
    "headline": "Market figures",
    "symbols": [
        {
            "symbol": "BTCUSDT",
            "direction": "down",
            "text": "Price 61,990.10, up 0.25% over 1m, VWAP 61,933.02, volume 22.50 over 5m.",
        }
    ],
    "source": "Source degraded, newest minute 2026-11-21 12:34 UTC.",
}


def examples() -> dict[tuple[str, str], Any]:
    """(method, path) → an answer."""
    facts = pulse_facts(EXAMPLES["/pulse"])
    judged = verdict(facts, json.dumps(_ANSWER))
    row = _row(facts, judged["rendered"]["plain"])
    return {
        ("get", "/pulse/brief"): _brief(facts),
        ("post", "/spikes/brief"): _brief(_spike()),
        ("post", "/summaries/verdict"): judged,
        ("post", "/summaries"): {"summary_id": row["summary_id"]},
        ("get", "/summaries"): {"summaries": [row], "since": None, "next": None},
    }


def event() -> SpikeEvent:
    """The event of the example of /v1/spikes."""
    minute = EXAMPLES["/spikes"]["spikes"][0]
    at = datetime.fromisoformat(minute["minute_ts"])
    named = event_id(minute["exchange"], minute["symbol"], at)
    return SpikeEvent.model_validate({**minute, "event_id": named, "detected_at": _AT})


def _spike() -> Facts:
    told = event().model_dump(mode="json")
    return spike_facts(told, EXAMPLES["/minutes"]["minutes"], EXAMPLES["/pulse"])


def _brief(facts: Facts) -> dict[str, Any]:
    return {**brief(facts), "facts": _SEAL.sealed(facts)}


def _row(facts: Facts, text: str) -> dict[str, Any]:
    report = Report(
        facts=facts,
        workflow="Market Pulse",
        prompt_version="pulse-1",
        source="llm",
        text=text,
        attempts=1,
        execution_url="http://127.0.0.1:5678/execution/7",
        completion=json.dumps(_ANSWER),
        sent={"slack": "ok"},
    )
    return {**report.row(), "facts": facts.to_json(), "created_at": "2026-11-21T12:34:42Z"}
