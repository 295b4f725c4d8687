"""docs/api.md names what the API has: every path, parameter, limit, field, code and default."""

import re

import pytest
from pydantic import BaseModel

from lakehouse.api import (
    audit,
    claims,
    history,
    hour_files,
    hour_models,
    hour_watch,
    id_store,
    models,
    parameters,
    pulse,
    refresher,
    scribe,
    seal,
    summaries,
    summary_models,
)
from lakehouse.api.gate import MOST_BODY_BYTES, MOST_REQUESTS
from tests import documents
from tests.documents import ROOT, table_cells

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"\w+", " ".join(documents.code(PAGE))))
SOURCES = "".join(
    path.read_text(encoding="utf-8") for path in sorted((ROOT / "lakehouse" / "api").glob("*.py"))
)


@pytest.mark.parametrize("model", [hour_models.HourCell, hour_models.Completeness])
def test_every_figure_of_completeness_is_explained(model: type[BaseModel]) -> None:
    assert set(model.model_fields) <= NAMED


def told(first_cell: str) -> str:
    """The second cell of the table row that begins so."""
    [found] = [row[1] for row in table_cells(PAGE) if row[0] == first_cell]
    return found


@pytest.mark.parametrize("model", [models.SymbolPulse, models.Spike, models.Volume])
def test_every_figure_of_the_pulse_is_explained(model: type[BaseModel]) -> None:
    assert set(model.model_fields) <= NAMED


@pytest.mark.parametrize("model", [models.Source, models.Health, models.LayerHealth])
def test_every_figure_of_health_is_explained(model: type[BaseModel]) -> None:
    # What names itself: a table, the newest minute, when Gold was committed.
    itself = {"table", "newest_minute", "gold_committed_at", "open_gaps", "missing_ids"}
    assert set(model.model_fields) - itself <= NAMED


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/pulse", parameters.PulseQuery),
        ("/v1/minutes", parameters.MinutesQuery),
        ("/v1/spikes", parameters.SpikesQuery),
        ("/v1/audit", parameters.AuditQuery),
        ("/v1/gaps", parameters.GapsQuery),
        ("/v1/pulse/brief", parameters.PulseQuery),
        ("/v1/summaries", parameters.SummariesQuery),
        ("/v1/completeness", parameters.CompletenessQuery),
    ],
)
def test_every_parameter_and_its_bounds_are_told(path: str, query: type[BaseModel]) -> None:
    text = told(path)
    names = {field.alias or name for name, field in query.model_fields.items()}
    assert names <= set(re.findall(r"\w+", text))
    if "limit" in names:
        most = next(meta.le for meta in query.model_fields["limit"].metadata if hasattr(meta, "le"))
        default = query.model_fields["limit"].default
        assert re.search(rf"`limit` \({default}; {most:,}", text), text


def test_every_code_of_an_error_or_a_reason_is_told_and_no_other() -> None:
    raised = set(re.findall(r'(?:ProblemError|problem)\(\s*\d+, "(\w+)"', SOURCES))
    raised |= {"no_such_path", "method_not_allowed"}
    reasons = set(re.findall(r'Reason\("(\w+)"', SOURCES))
    assert len(raised) > 8 and len(reasons) == 7
    assert raised | reasons <= NAMED
    assert {code for code in NAMED if code.startswith(("lake_", "no_", "bad_"))} <= (
        raised | reasons | {"lake_answers"}
    )


def test_the_limits_of_completeness_are_those_of_the_code() -> None:
    kept = hour_files.KEPT_HOURS
    assert f"`hours` (24; {kept} at most)" in PAGE and f" {kept} hours are kept" in PAGE
    assert f"at most {hour_watch.POLL_SECONDS:g} s and a step behind" in PAGE
    assert id_store.MEMORY == "256MB" and "256 MB, which spills" in PAGE
    assert hour_watch.REST == 4 and "rests four times as long as it worked" in PAGE


def test_the_constants_of_summaries_are_those_of_the_code() -> None:
    assert f"for {claims.CLAIM_SECONDS} seconds" in PAGE
    assert f"every {scribe.AGAIN_SECONDS:g} seconds" in PAGE
    assert f"{summaries.MOST_ROWS:,} rows are kept, and spikes for 25 hours" in PAGE
    assert f"more than {MOST_BODY_BYTES:,} bytes" in PAGE
    assert f"`{seal.FILE}`" in PAGE and f"`{seal.FIELD}`" in PAGE


def test_every_member_of_a_brief_and_a_verdict_is_told() -> None:
    for model in (summary_models.Brief, summary_models.Verdict, summary_models.Rendered):
        assert set(model.model_fields) - {"kind", "summary", "source"} <= NAMED


def test_the_constants_are_those_of_the_code() -> None:
    assert f"({parameters.MOST_SYMBOLS} at most)" in PAGE
    assert (
        f"{history.TIMEOUT_SECONDS:g} s, or {history.READERS + history.MOST_WAITING} such" in PAGE
    )
    assert f"more than {MOST_REQUESTS} requests at once" in PAGE
    assert f"newest {refresher._MOST_FILES:,} files" in PAGE
    assert f"{audit.MOST_ROWS:,} rows are kept" in PAGE
    assert f"fewer than SPIKE_WARM_UP_MINUTES of the {pulse.HOUR} minutes" in PAGE
    assert f"kept for {pulse.KEPT_MINUTES // 60} hours" in PAGE
    for window, count in pulse.USUALS.items():
        assert f"{count} of `{window}`" in PAGE
