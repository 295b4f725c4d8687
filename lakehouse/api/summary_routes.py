"""Which paths of summaries there are, and what OpenAPI says that they answer."""

from typing import Any, Final

from fastapi import APIRouter, Response

from lakehouse.api import summary_models as models
from lakehouse.api.models import Answer
from lakehouse.api.problems import MEDIA_TYPE
from lakehouse.api.routes import answers_of
from lakehouse.api.summary_paths import SummaryPaths

_REFUSALS: Final = {
    "/spikes/brief": {
        404: "There is no such symbol or minute",
        409: "already_handled: people were told of it; under_way: somebody has claimed it",
    },
    "/summaries/verdict": {409: "The facts are not as this API gave them out"},
    "/summaries": {409: "The facts are not as this API gave them out"},
}


def summary_router(paths: SummaryPaths) -> APIRouter:
    """The paths, with what they answer."""
    made = APIRouter(prefix="/v1")
    for method, path, endpoint, model, summary in (
        ("GET", "/pulse/brief", paths.pulse_brief, models.Brief, "What to ask a model"),
        ("POST", "/spikes/brief", paths.spike_brief, models.Brief, "Claim a spike to explain it"),
        ("POST", "/summaries/verdict", paths.verdict, models.Verdict, "Does an answer hold?"),
        ("POST", "/summaries", paths.put, models.Recorded, "Put a message on record"),
        ("GET", "/summaries", paths.summaries, models.Summaries, "What was told to people"),
    ):
        made.add_api_route(
            path,
            endpoint,
            methods=[method],
            summary=summary,
            status_code=201 if endpoint == paths.put else 200,
            response_class=Response,
            responses=_answers(model, path if method == "POST" else ""),
        )
    made.add_api_route(
        "/spikes/claims/{event_id}",
        paths.give_back,
        methods=["DELETE"],
        summary="Give a claim back",
        status_code=204,
        response_class=Response,
    )
    return made


def _answers(model: type[Answer], path: str) -> dict[int | str, dict[str, Any]]:
    told = answers_of(model)
    if path == "/summaries":
        told[201] = told.pop(200)
    schema = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    more = _REFUSALS.get(path, {})
    return told | {code: {"description": text, "content": schema} for code, text in more.items()}
