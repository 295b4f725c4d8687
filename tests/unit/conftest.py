"""The lake that the tests of the read API ask, and the API over it; made when first wanted."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from lakehouse import tables
from lakehouse.api.app import create_app
from lakehouse.api.refresher import Refresher
from tests.api_calls import NOW, OLD, Clock, client_of
from tests.gold_lakes import NAMES, batch_row, fill, gap_row, gold_row
from tests.lakes import LakeWriter, Row, record, silver_row


@pytest.fixture(scope="session")
def api_lake(tmp_path_factory: pytest.TempPathFactory) -> LakeWriter:
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


@pytest.fixture(scope="session")
def api_refresher(api_lake: LakeWriter) -> Refresher:
    found = Refresher(api_lake.settings, lambda: NOW)
    found.refresh()
    assert found.state.failure == ""
    return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(api_lake: LakeWriter, api_refresher: Refresher, clock: Clock) -> FastAPI:
    return create_app(api_lake.settings, api_refresher, clock)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as found:
        yield found
