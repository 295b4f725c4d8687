"""The paths of the API on a real small lake, asked through ASGI without a socket."""

from datetime import timedelta

import httpx

from lakehouse import tables
from tests import table_docs
from tests.api_calls import OLD, Clock, get, paged, refused
from tests.gold_lakes import NOON


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
