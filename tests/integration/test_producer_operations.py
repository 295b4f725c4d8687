"""The producer's HTTP with real requests: what it answers, and whom it refuses."""

import asyncio
import gzip
import json
import socket
from typing import Any

import aiohttp
import psutil
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families

from lakehouse.errors import ResourceError
from lakehouse.pipeline.figures import fetch
from lakehouse.stack.ports import free_ports
from producer.logs import RUN_ID
from producer.metrics import Counters
from producer.operations import Operations
from producer.sequencer import Gap
from tests.integration.test_producer_following import LISTED, Place
from tests.vitals import FakeVitals, operating


async def get(url: str, **headers: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def post(url: str, body: object, **headers: str) -> tuple[int, Any]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with aiohttp.ClientSession() as http, http.post(url, data=raw, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_the_figures_are_those_of_the_counters() -> None:
    counters = Counters(("BTCUSDT",))
    counters.frames_received, counters.accepted, counters.delivered = 12, 11, 10
    async with operating(counters) as (_, url):
        found = await asyncio.to_thread(fetch, int(url.rpartition(":")[2]))
        assert found is not None
        assert (found.frames_received, found.delivered, found.in_flight) == (12, 10, 1)


async def test_figures_come_compressed_and_as_openmetrics_where_asked_for() -> None:
    async with operating() as (_, url), aiohttp.ClientSession(auto_decompress=False) as http:
        async with http.get(f"{url}/metrics", headers={"Accept-Encoding": "gzip"}) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert answer.content_type == "text/plain"
            text = gzip.decompress(await answer.read()).decode()
            assert len(list(text_string_to_metric_families(text))) > 20
        wanted = {"Accept": "application/openmetrics-text; version=1.0.0", "Accept-Encoding": ""}
        async with http.get(f"{url}/metrics", headers=wanted) as answer:
            assert answer.content_type == "application/openmetrics-text"
            families = open_families(await answer.text())  # type: ignore[no-untyped-call]
            assert len(list(families)) > 20


async def test_health_follows_the_vitals() -> None:
    async with operating() as (operations, url):
        assert await get(f"{url}/health/live") == (
            200,
            {"ok": True, "failed": [], "checks": {"main_loop": {"ok": True, "detail": "starting"}}},
        )
        status, answer = await get(f"{url}/health/ready")
        assert (status, answer["failed"]) == (503, ["started"])
        operations.vitals = vitals = FakeVitals()
        assert (await get(f"{url}/health/ready"))[0] == 200
        vitals.banned, vitals.dead = 5.0, ["ETHUSDT"]
        status, answer = await get(f"{url}/health/ready")
        assert (status, answer["failed"]) == (503, ["repair", "streams"])
        assert answer["checks"]["streams"] == {"ok": False, "detail": "dead: ETHUSDT"}
        assert (await get(f"{url}/health/live"))[0] == 200
        vitals.ticked -= 11
        status, answer = await get(f"{url}/health/live")
        assert status == 503 and "11." in answer["checks"]["main_loop"]["detail"]


async def test_the_status_tells_people_what_goes_on() -> None:
    counters = Counters()
    counters.accepted, counters.held, counters.last_delivery_timestamp = 3, 5, 1_700_000_000.5
    async with operating(counters) as (operations, url):
        assert (await get(f"{url}/status"))[1]["ready"] is False
        operations.vitals = FakeVitals(gaps=[Gap("BTCUSDT", 4, 9)])
        status, found = await get(f"{url}/status")
    assert (status, found["run_id"], found["ready"], found["failed"]) == (200, RUN_ID, True, [])
    assert found["version"][0].isdigit() and 0 <= found["uptime_seconds"] < 60
    assert (found["in_flight"], found["held"], found["lag_seconds"]) == (3, 5, 0.25)
    assert found["last_delivery"] == "2023-11-14T22:13:20.500+00:00"
    assert found["shards"][1] == {"symbols": 7, "connected": True, "age": 1.5}
    assert found["last_ids"] == {"BTCUSDT": 17, "ETHUSDT": 4}
    assert found["open_gaps"] == {
        "count": 1, "ids": 6, "first": [{"symbol": "BTCUSDT", "from_id": 4, "to_id": 9}]
    }  # fmt: skip


async def test_symbols_are_shown_changed_and_refused_with_a_sentence() -> None:
    place = Place(*free_ports(1))
    async with (
        operating() as (operations, url),
        place.lists(*LISTED),
        place.follower("ALL:USDT") as following,
    ):
        status, answer = await get(f"{url}/symbols")
        assert status == 503 and "starting" in answer["error"]
        await following.start()
        operations.following = following
        status, answer = await post(f"{url}/symbols", {"add": ["BTCEUR"], "remove": ["SOLUSDT"]})
        assert (status, answer) == (
            200,
            {
                "symbols": ["BTCUSDT", "ETHUSDT", "BTCEUR"], "setting": ["ALL:USDT"],
                "added": ["BTCEUR"], "removed": ["SOLUSDT"], "kept_over_restarts": False,
            },
        )  # fmt: skip
        assert (await get(f"{url}/symbols"))[1] == answer
        status, answer = await post(f"{url}/symbols", {"add": ["BTCEU"]})
        assert status == 400 and "BTCEU (near: BTCEUR" in answer["error"] and answer["hint"]
        assert following.symbols == ("BTCUSDT", "ETHUSDT", "BTCEUR")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", [], {}, {"add": "BTCUSDT"}, {"add": [1]}, {"add": ["btc"]}, {"set": ["BTCUSDT"]},
     {"add": ["BTCUSDT"], "more": 1}, {"remove": ["ALL:USDT"]}, b"\xff", b"[" * 100_000],
    ids=lambda body: str(body)[:20],
)  # fmt: skip
async def test_a_body_that_makes_no_sense_is_told_so(body: object) -> None:
    async with operating() as (_, url):
        status, answer = await post(f"{url}/symbols", body)
    assert status == 400 and answer["error"].endswith(".")


async def test_a_body_without_end_is_cut_off() -> None:
    async with (
        operating() as (_, url),
        aiohttp.ClientSession() as http,
        http.post(f"{url}/symbols", data=b"x" * 1_000_000) as answer,
    ):
        assert answer.status == 413


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 503),  # let through: the producer of this test has not started
        ({"Host": "localhost:1234"}, 503),
        ({"Host": "[::1]:1234"}, 503),
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:80"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "[broken"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Host": "localhost:9", "Origin": "http://localhost:9"}, 503),
    ],
)
async def test_web_pages_are_refused(headers: dict[str, str], status: int) -> None:
    async with operating() as (_, url):
        assert (await post(f"{url}/symbols", {"add": ["BTCUSDT"]}, **headers))[0] == status
        assert (await get(f"{url}/symbols", **headers))[0] == status
        assert (await get(f"{url}/health/live", **headers))[0] == 200


async def test_a_taken_port_is_told_and_a_stopped_one_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ResourceError, match=f"port {port} can't be opened"):
            await Operations(Counters()).start(port)
    operations = Operations(Counters())
    assert await operations.start(port) == port
    await operations.stop()
    assert await operations.start(port) == port
    await operations.stop()


async def test_it_listens_on_loopback_alone() -> None:
    async with operating() as (_, url):
        port = int(url.rpartition(":")[2])
        sockets = [each.laddr for each in psutil.Process().net_connections("tcp")]
        assert {address.ip for address in sockets if address.port == port} == {"127.0.0.1"}


async def test_others_get_figures_and_health_alone_where_metrics_host_lets_them_in() -> None:
    addresses = [each for found in psutil.net_if_addrs().values() for each in found]
    ours = [each.address for each in addresses if each.family == socket.AF_INET]
    outside = [address for address in ours if not address.startswith("127.")]
    if not outside:
        pytest.skip("this machine has no address but the loopback")
    operations = Operations(Counters())
    port = await operations.start(0, "0.0.0.0")
    try:
        url, told = f"http://{outside[0]}:{port}", {"Host": f"127.0.0.1:{port}"}
        assert (await get(f"{url}/health/live"))[0] == 200
        for headers in ({}, told):  # a Host can be made up
            assert (await get(f"{url}/symbols", **headers))[0] == 403
            assert (await post(f"{url}/symbols", {"add": ["BTCUSDT"]}, **headers))[0] == 403
    finally:
        await operations.stop()
