"""The paths of the API on a real small lake, asked through ASGI without a socket."""

import gzip
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from lakehouse import tables
from lakehouse.api import models
from lakehouse.api.app import create_app
from lakehouse.api.examples import EXAMPLES
from lakehouse.api.refresher import Refresher
from tests import table_docs
from tests.gold_lakes import NAMES, NOON, batch_row, fill, gap_row, gold_row
from tests.lakes import LakeWriter, Row, record, silver_row

# Half a minute after the newest minute of the lake has begun.
NOW = NOON.timestamp() + 90 * 60 + 30
MODELS: dict[str, type[models.Answer]] = {
    "/pulse": models.Pulse,
    "/minutes": models.Minutes,
    "/spikes": models.Spikes,
    "/audit": models.Batches,
    "/gaps": models.Gaps,
    "/health": models.Health,
}
OLD = -3 * 1440


class Clock:
    """Seconds since 1970 that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> LakeWriter:
    """91 minutes of two symbols up to 13:30, three older ones, three spikes, audit and gaps."""
    made = LakeWriter(tmp_path_factory.mktemp("api") / "lake", NAMES)
    up: Row = {"spike": True, "spike_reasons": ["return_up", "volume_high"]}
    bitcoin = [gold_row(n, price=str(100 + n), **(up if n in (70, 90) else {})) for n in range(91)]
    ether = [gold_row(n, "ETHUSDT", **(up if n == 70 else {})) for n in range(0, 91, 2)]
    old = [gold_row(OLD + n, "OLDUSDT", **(up if n == 1 else {})) for n in range(3)]
    fill(
        made,
        {
            tables.GOLD: [*bitcoin, *ether, *old],
            tables.AUDIT: [
                *(batch_row(n, job) for n in range(3) for job in (tables.SILVER, tables.GOLD)),
                batch_row(5, tables.SILVER, "failed", rows_in=0, rows_out=0),
            ],
            tables.GAP: [gap_row(10, 3, "open"), gap_row(1, 2, "repaired", "ETHUSDT")],
            tables.BRONZE: [record(1, 1)],
            tables.SILVER: [silver_row(1)],
        },
    )
    return made


@pytest.fixture(scope="module")
def refresher(writer: LakeWriter) -> Refresher:
    found = Refresher(writer.settings, lambda: NOW)
    found.refresh()
    assert found.state.failure == ""
    return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(writer: LakeWriter, refresher: Refresher, clock: Clock) -> FastAPI:
    return create_app(writer.settings, refresher, clock)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as found:
        yield found


def client_of(app: FastAPI, **more: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://api", **more)


async def get(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    """The answer of a path under /v1, held against its model."""
    found = await client.get(f"/v1{path}", params=params)
    assert found.status_code == 200, found.text
    MODELS[path].model_validate_json(found.content)
    return found.json()


async def refused(client: httpx.AsyncClient, path: str, **params: Any) -> tuple[int, str, str]:
    """Status, code and detail of an error, which must have the one shape of errors."""
    found = await client.get(path, params=params)
    assert found.headers["content-type"] == "application/problem+json"
    told = models.Problem.model_validate_json(found.content)
    assert told.status == found.status_code
    return told.status, told.code, told.detail


async def test_the_pulse_tells_each_symbol_and_the_health_of_the_source(
    client: httpx.AsyncClient,
) -> None:
    found = await get(client, "/pulse")
    bitcoin, ether = found["symbols"]
    assert (bitcoin["symbol"], ether["symbol"]) == ("BTCUSDT", "ETHUSDT")
    assert (bitcoin["price"], bitcoin["minute"]) == ("190.00000000", "2026-11-21T13:30:00Z")
    assert bitcoin["change_5m"] == "0.027027027027"  # 190 / 185 - 1
    assert bitcoin["change_24h"] is None
    assert bitcoin["volume"]["5m"] == {
        "total": "10.00000000",
        "usual": "10.00000000",
        "ratio": "1.000000",
    }
    assert bitcoin["spike"]["status"] == "spike" and bitcoin["spike"]["count_24h"] == 2
    assert ether["spike"]["newest_minute"] == "2026-11-21T13:10:00Z"
    assert (bitcoin["open_gaps"], bitcoin["missing_ids"], ether["open_gaps"]) == (1, 3, 0)
    source = found["source"]
    assert source["status"] == "degraded"
    assert [reason["code"] for reason in source["reasons"]] == ["job_failed", "open_gaps"]
    assert (source["newest_minute"], source["missing_ids"]) == ("2026-11-21T13:30:00Z", 3)


async def test_the_pulse_of_named_symbols(client: httpx.AsyncClient) -> None:
    found = await get(client, "/pulse", symbols="ETHUSDT, ETHUSDT")
    assert [each["symbol"] for each in found["symbols"]] == ["ETHUSDT"]
    status, code, detail = await refused(client, "/v1/pulse", symbols="ETHUSDT,NOUSDT")
    assert (status, code) == (404, "unknown_symbol") and "NOUSDT" in detail


async def test_minutes_are_those_of_the_newest_hour_by_default(client: httpx.AsyncClient) -> None:
    found = await get(client, "/minutes", symbol="BTCUSDT")
    rows = found["minutes"]
    assert (len(rows), found["next"]) == (60, None)
    assert rows[-1]["close"] == "190.00000000" and rows[0]["minute_ts"] == "2026-11-21T12:31:00Z"
    assert list(rows[0]) == [column.name for column in table_docs.columns(tables.GOLD)]


async def test_from_is_included_and_to_is_not(client: httpx.AsyncClient) -> None:
    span = {"from": "2026-11-21T13:00:00+01:00", "to": "2026-11-21T12:02:00Z"}
    rows = (await get(client, "/minutes", symbol="BTCUSDT", **span))["minutes"]
    assert [row["minute_ts"][11:16] for row in rows] == ["12:00", "12:01"]
    within = {"from": "2026-11-21T12:00:01Z", "to": "2026-11-21T12:00:59Z"}
    assert (await get(client, "/minutes", symbol="BTCUSDT", **within))["minutes"] == []


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


async def test_pages_of_minutes_put_together_are_the_whole(client: httpx.AsyncClient) -> None:
    whole = (await get(client, "/minutes", symbol="ETHUSDT", limit=1500))["minutes"]
    assert await paged(client, "/minutes", "minutes", symbol="ETHUSDT", limit=7) == whole
    assert len(whole) == 30


async def test_older_minutes_come_from_the_files(client: httpx.AsyncClient) -> None:
    since = f"{NOON + timedelta(minutes=OLD):%Y-%m-%dT%H:%M:%SZ}"
    old = await paged(client, "/minutes", "minutes", symbol="OLDUSDT", limit=2, **{"from": since})
    assert [row["close"] for row in old] == ["100.00000000"] * 3
    everything = {"symbol": "BTCUSDT", "from": "2020-01-01T00:00:00Z"}
    assert len((await get(client, "/minutes", **everything))["minutes"]) == 91
    status, code, _ = await refused(client, "/v1/minutes", **{**everything, "symbol": "NOUSDT"})
    assert (status, code) == (404, "unknown_symbol")


async def test_spikes_newest_first_warm_and_old(client: httpx.AsyncClient) -> None:
    found = (await get(client, "/spikes"))["spikes"]
    names = [(row["symbol"], row["minute_ts"][11:16]) for row in found]
    assert names == [("BTCUSDT", "13:30"), ("BTCUSDT", "13:10"), ("ETHUSDT", "13:10")]
    all_times = {"from": "2020-01-01T00:00:00Z"}
    for limit in (1, 2, 3):
        pages = await paged(client, "/spikes", "spikes", limit=limit, **all_times)
        assert [row["symbol"] for row in pages] == ["BTCUSDT", "BTCUSDT", "ETHUSDT", "OLDUSDT"]
    ether = (await get(client, "/spikes", symbol="ETHUSDT"))["spikes"]
    assert [row["symbol"] for row in ether] == ["ETHUSDT"]
    assert (await refused(client, "/v1/spikes", symbol="NOUSDT"))[:2] == (404, "unknown_symbol")


async def test_the_audit_by_job_and_status(client: httpx.AsyncClient) -> None:
    whole = await paged(client, "/audit", "batches", limit=2)
    assert len(whole) == 7
    assert whole == sorted(whole, key=lambda row: (row["finished_at"], row["job"]), reverse=True)
    failed = (await get(client, "/audit", status="failed"))["batches"]
    assert [(row["job"], row["error"]) for row in failed] == [(tables.SILVER, "no disk")]
    assert len((await get(client, "/audit", job=tables.GOLD))["batches"]) == 3
    assert list(whole[0]) == [column.name for column in table_docs.columns(tables.AUDIT)]


async def test_gaps_by_status_and_symbol(client: httpx.AsyncClient) -> None:
    found = await get(client, "/gaps")
    assert [(row["from_id"], row["ids"]) for row in found["gaps"]] == [(10, 3), (1, 2)]
    assert found["counts"] == {"open": 1, "repaired": 1}
    assert len(await paged(client, "/gaps", "gaps", limit=1)) == 2
    assert [row["from_id"] for row in (await get(client, "/gaps", status="open"))["gaps"]] == [10]
    assert (await get(client, "/gaps", symbol="NOUSDT"))["gaps"] == []


async def test_health_tells_layers_jobs_and_gaps(client: httpx.AsyncClient) -> None:
    found = await get(client, "/health")
    layers = {layer["table"]: layer for layer in found["layers"]}
    assert {name: layer["rows"] for name, layer in layers.items()} == {
        tables.BRONZE: 1, tables.SILVER: 1, tables.QUARANTINE: 0, tables.GOLD: 140,
    }  # fmt: skip
    assert layers[tables.QUARANTINE]["committed_at"] is None
    assert (layers[tables.GOLD]["lag_ms"], layers[tables.GOLD]["worst_lag_ms_1h"]) == (1002, 1002)
    jobs = {job["job"]: job for job in found["jobs"]}
    assert (jobs[tables.SILVER]["status"], jobs[tables.SILVER]["failed_batches"]) == ("failed", 1)
    assert (found["data_age_seconds"], found["open_gaps_since"]) == (0.0, "2026-11-21T12:00:10Z")


async def test_old_data_are_called_stale_by_the_clock_alone(
    client: httpx.AsyncClient, clock: Clock
) -> None:
    clock.now += 500
    found = await get(client, "/pulse")
    assert found["source"]["status"] == "stale"
    codes = {reason["code"] for reason in found["source"]["reasons"]}
    assert {"stale_data", "lake_unreachable"} <= codes
    answered = await client.get("/v1/health")
    assert answered.headers["x-snapshot-age"] == "500.0"
    assert answered.json()["data_age_seconds"] == 470.0


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


def locked(writer: LakeWriter, refresher: Refresher, key: str) -> FastAPI:
    chosen = writer.settings.model_copy(update={"api_key": SecretStr(key)})
    return create_app(chosen, refresher)


async def test_a_key_is_wanted_where_one_is_set(writer: LakeWriter, refresher: Refresher) -> None:
    async with client_of(locked(writer, refresher, "sesame-ö")) as client:
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
    assert set(described["paths"]) == {f"/v1{path}" for path in MODELS}
    for path, model in MODELS.items():
        told = described["paths"][f"/v1{path}"]["get"]["responses"]
        shown = told["200"]["content"]["application/json"]["example"]
        assert shown == EXAMPLES[path]
        model.model_validate(shown)
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
