"""/v1/completeness as a path: which hours and symbols it answers, and what it refuses."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from lakehouse import tables
from lakehouse.api import hour_models
from lakehouse.api.app import create_app
from lakehouse.api.hour_files import KEPT_HOURS
from lakehouse.api.hour_watch import HourWatch
from lakehouse.api.refresher import Refresher
from tests.api_calls import client_of, refused
from tests.gold_lakes import NAMES
from tests.lakes import LakeWriter, silver_row

BTC, ETH = "BTCUSDT", "ETHUSDT"
PATH = "/v1/completeness"


@pytest.fixture
def writer(tmp_path: Path) -> LakeWriter:
    return LakeWriter(tmp_path / "lake", NAMES)


async def test_the_path_answers_the_newest_hours(writer: LakeWriter) -> None:
    app, watch = app_of(writer)
    async with client_of(app) as client:
        await silent(client)
        for hour in range(3):
            rows = [silver_row(hour, symbol, minutes=60 * hour) for symbol in (BTC, ETH)]
            writer.append(tables.SILVER, rows[: 1 if hour else 2])
        look(watch)
        found = await completeness(client)
        assert [(row["symbol"], row["hour"][11:13]) for row in found["hours"]] == [
            (BTC, "00"), (BTC, "01"), (BTC, "02"), (ETH, "00"),
        ]  # fmt: skip
        assert found["newest_hour"] == "2024-08-09T02:00:00Z" and found["unread_hours"] == []
        assert len((await completeness(client, hours=2, symbols=BTC))["hours"]) == 2
        status, code, detail = await refused(client, PATH, symbols="NOUSDT")
        assert (status, code) == (404, "unknown_symbol") and "NOUSDT" in detail
        for wrong in ({"hours": 0}, {"hours": KEPT_HOURS + 1}, {"hour": 1}):
            assert (await refused(client, PATH, **wrong))[0] == 422
        await unchanged(client)


def app_of(writer: LakeWriter) -> tuple[FastAPI, HourWatch]:
    refresher = Refresher(writer.settings)
    watch = HourWatch(writer.settings, refresher)
    return create_app(writer.settings, refresher, watch=watch), watch


def look(watch: HourWatch) -> None:
    watch._refresher.refresh()
    watch.look()
    while watch.state.hours is None or watch.state.hours.unread:
        watch.look()


async def silent(client: httpx.AsyncClient) -> None:
    assert (await refused(client, PATH))[:2] == (503, "lake_not_ready")


async def completeness(client: httpx.AsyncClient, **params: Any) -> Any:
    found = await client.get(PATH, params=params)
    assert found.status_code == 200, found.text
    hour_models.Completeness.model_validate_json(found.content)
    return found.json()


async def unchanged(client: httpx.AsyncClient) -> None:
    first = await client.get(PATH)
    held = {"If-None-Match": first.headers["etag"]}
    assert (await client.get(PATH, headers=held)).status_code == 304
    assert "last-modified" not in first.headers


async def test_a_lake_whose_silver_is_empty_has_no_hours(writer: LakeWriter) -> None:
    app, watch = app_of(writer)
    look(watch)
    async with client_of(app) as client:
        found = await completeness(client)
    assert found == {
        "silver_committed_at": None, "newest_hour": None,
        "unread_hours": [], "failing_since": None, "hours": [],
    }  # fmt: skip
