"""Asking the read API through ASGI, each answer held against its model."""

import json
from typing import Any

import httpx
from fastapi import FastAPI

from lakehouse.api import models, summary_models
from lakehouse.api.hour_models import Completeness
from tests.gold_lakes import NOON

# Half a minute after the newest minute of the lake has begun.
NOW = NOON.timestamp() + 90 * 60 + 30
MODELS: dict[str, type[models.Answer]] = {
    "/pulse": models.Pulse,
    "/minutes": models.Minutes,
    "/spikes": models.Spikes,
    "/audit": models.Batches,
    "/gaps": models.Gaps,
    "/health": models.Health,
    "/completeness": Completeness,
    "/pulse/brief": summary_models.Brief,
    "/summaries": summary_models.Summaries,
}
POSTED: dict[str, type[models.Answer]] = {
    "/spikes/brief": summary_models.Brief,
    "/summaries/verdict": summary_models.Verdict,
    "/summaries": summary_models.Recorded,
}
OLD = -3 * 1440


class Clock:
    """Seconds since 1970 that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def client_of(app: FastAPI, **more: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://api", **more)


async def get(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    """The answer of a path under /v1, held against its model."""
    found = await client.get(f"/v1{path}", params=params)
    assert found.status_code == 200, found.text
    MODELS[path].model_validate_json(found.content)
    return found.json()


async def post(client: httpx.AsyncClient, path: str, body: Any, status: int = 200) -> Any:
    """The answer of a posted body, held against its model."""
    # In ASCII, so that any text can be sent, even what is no Unicode.
    head = {"Content-Type": "application/json"}
    found = await client.post(f"/v1{path}", content=json.dumps(body), headers=head)
    assert found.status_code == status, found.text
    POSTED[path].model_validate_json(found.content)
    return found.json()


def told(answer: httpx.Response) -> models.Problem:
    """An error, which must have the one shape of errors."""
    assert answer.headers["content-type"] == "application/problem+json"
    found = models.Problem.model_validate_json(answer.content)
    assert found.status == answer.status_code
    return found


async def refused(client: httpx.AsyncClient, path: str, **params: Any) -> tuple[int, str, str]:
    """Status, code and detail of an error, which must have the one shape of errors."""
    found = told(await client.get(path, params=params))
    return found.status, found.code, found.detail


async def paged(client: httpx.AsyncClient, path: str, rows: str, **params: Any) -> list[Any]:
    """The rows of all pages."""
    found: list[Any] = []
    for _ in range(99):
        page = await get(client, path, **params)
        found += page[rows]
        if page["next"] is None:
            return found
        assert len(page[rows]) == params["limit"]
        params["cursor"] = page["next"]
    raise AssertionError("the pages do not end")
