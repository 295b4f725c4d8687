"""What holds for every path: caching, gzip, parameters, errors, the key, figures, OpenAPI."""

import gzip
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from lakehouse.api.app import create_app
from lakehouse.api.examples import EXAMPLES
from lakehouse.api.refresher import Refresher
from lakehouse.api.summary_examples import examples
from tests.api_calls import MODELS, POSTED, client_of, refused
from tests.lakes import LakeWriter


@pytest.mark.parametrize(
    "path", ["/pulse", "/minutes?symbol=BTCUSDT", "/audit", "/gaps", "/spikes"]
)
async def test_what_the_client_has_is_not_sent_again(client: httpx.AsyncClient, path: str) -> None:
    first = await client.get(f"/v1{path}")
    tag = first.headers["etag"]
    assert first.headers["last-modified"].endswith("GMT")
    again = await client.get(f"/v1{path}", headers={"If-None-Match": f'"x", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = await client.get(f"/v1{path}", headers={"If-None-Match": '"x"'})
    assert (other.status_code, other.content) == (200, first.content)


async def test_gzip_only_for_who_takes_it(app: FastAPI) -> None:
    async with client_of(app, headers={"Accept-Encoding": "identity"}) as client:
        plain = await client.get("/v1/pulse")
        assert "content-encoding" not in plain.headers
        no = await client.get("/v1/pulse", headers={"Accept-Encoding": "gzip;q=0"})
        assert "content-encoding" not in no.headers
        headers = {"Accept-Encoding": "br, gzip;q=0.5"}
        async with client.stream("GET", "/v1/pulse", headers=headers) as packed:
            raw = b"".join([part async for part in packed.aiter_raw()])
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(raw) == plain.content and len(raw) < len(plain.content)


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/v1/minutes", {}),
        ("/v1/minutes", {"symbol": "BTC USDT"}),
        ("/v1/minutes", {"symbol": "B" * 51}),
        ("/v1/minutes", {"symbol": "BTCUSDT", "limit": 1501}),
        ("/v1/minutes", {"symbol": "BTCUSDT", "limit": 0}),
        ("/v1/minutes", {"symbol": "BTCUSDT", "from": "yesterday"}),
        ("/v1/minutes", {"symbol": "BTCUSDT", "from": "2026-11-21T12:00:00"}),
        ("/v1/minutes", {"symbol": "BTCUSDT", "from": "2026-11-22T00:00:00Z"}),
        ("/v1/minutes", {"symbol": "BTCUSDT", "form": "2026-11-21T12:00:00Z"}),
        ("/v1/spikes", {"limit": 501}),
        ("/v1/audit", {"status": "fine"}),
        ("/v1/gaps", {"status": "OPEN"}),
        ("/v1/pulse", {"symbols": ",".join(f"S{n}" for n in range(101))}),
        ("/v1/pulse", {"symbol": "BTCUSDT"}),
    ],
)
async def test_a_parameter_that_can_not_be_used_is_named(
    client: httpx.AsyncClient, path: str, params: dict[str, Any]
) -> None:
    status, code, detail = await refused(client, path, **params)
    assert (status, code) == (422, "bad_parameter")
    assert any(name in detail for name in [*params, "symbol"])


@pytest.mark.parametrize(
    "cursor", ["x", "!", "W10", "WzFdXQ", "WyJhIl0", "bnVsbA", "WzFlOTld", "é"]
)
@pytest.mark.parametrize("path", ["/v1/minutes", "/v1/spikes", "/v1/audit", "/v1/gaps"])
async def test_a_cursor_of_somebody_else_is_refused(
    client: httpx.AsyncClient, path: str, cursor: str
) -> None:
    more = {"symbol": "BTCUSDT"} if path == "/v1/minutes" else {}
    found = await refused(client, path, cursor=cursor, **more)
    assert found[:2] == (422, "bad_cursor")


async def test_errors_of_the_web_have_the_same_shape(client: httpx.AsyncClient) -> None:
    assert (await refused(client, "/v2/pulse"))[:2] == (404, "no_such_path")
    posted = await client.post("/v1/pulse")
    assert posted.status_code == 405 and posted.json()["code"] == "method_not_allowed"
    assert "access-control-allow-origin" not in posted.headers


def locked(api_lake: LakeWriter, api_refresher: Refresher, key: str) -> FastAPI:
    chosen = api_lake.settings.model_copy(update={"api_key": SecretStr(key)})
    return create_app(chosen, api_refresher)


async def test_a_key_is_wanted_where_one_is_set(
    api_lake: LakeWriter, api_refresher: Refresher
) -> None:
    async with client_of(locked(api_lake, api_refresher, "sesame-ö")) as client:
        key = "sesame-ö".encode()
        for headers in ({b"X-API-Key": key}, {b"Authorization": b"bearer  " + key}):
            assert (await client.get("/v1/pulse", headers=headers)).status_code == 200
        for wrong in ({}, {"X-API-Key": "sesame"}, {"Authorization": "Basic sesame-o"}):
            for path in ("/v1/pulse", "/metrics", "/openapi.json", "/health/ready", "/nowhere"):
                found = await client.get(path, headers=wrong)
                assert (found.status_code, found.json()["code"]) == (401, "no_key")
                assert found.headers["www-authenticate"] == "Bearer"
                assert "sesame" not in found.text
        assert (await client.get("/health/live")).json() == {"live": True}


async def test_metrics_count_by_route_and_status(client: httpx.AsyncClient) -> None:
    await client.get("/v1/pulse")
    await client.get("/v1/minutes?symbol=NOUSDT")
    await client.get("/a/path/of/somebody")
    page = (await client.get("/metrics")).text
    assert 'firehose_api_requests_total{route="/v1/pulse",status="200"} 1.0' in page
    assert 'firehose_api_requests_total{route="/v1/minutes",status="404"} 1.0' in page
    assert 'firehose_api_requests_total{route="none",status="404"} 1.0' in page
    assert 'firehose_api_request_seconds_count{route="/v1/pulse"} 1.0' in page
    assert "firehose_api_snapshot_age_seconds 0.0" in page
    assert "somebody" not in page


async def test_openapi_examples_are_what_the_models_allow(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()
    shown = {("get", path): example for path, example in EXAMPLES.items()} | examples()
    answers = {("get", path): model for path, model in MODELS.items()}
    answers |= {("post", path): model for path, model in POSTED.items()}
    named = {
        (method, path.removeprefix("/v1"))
        for path, methods in described["paths"].items()
        for method in methods
    }
    assert named == answers.keys() | {("delete", "/spikes/claims/{event_id}")}
    for (method, path), model in answers.items():
        told = described["paths"][f"/v1{path}"][method]["responses"]
        good = told.get("200") or told["201"]
        model.model_validate(good["content"]["application/json"]["example"])
        assert model.model_validate(shown[method, path])
        assert {"401", "404", "422", "503"} <= told.keys()
    assert "Problem" in described["components"]["schemas"]


async def test_every_reference_of_openapi_leads_somewhere(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()
    for target in set(references(described)):
        place = described
        for word in target.removeprefix("#/").split("/"):
            place = place[word]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(found := value.get("$ref"), str):
            yield found
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)
