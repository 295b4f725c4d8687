"""What the API answers while the lake is absent, empty, broken or changing."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from lakehouse import settings as settings_module
from lakehouse import tables
from lakehouse.api import history, models
from lakehouse.api.app import create_app
from lakehouse.api.blocks import Key
from lakehouse.api.gate import Crowd
from lakehouse.api.history import History
from lakehouse.api.problems import ProblemError
from lakehouse.api.refresher import Refresher
from lakehouse.api.server import _listen, _require_key
from lakehouse.errors import ResourceError, SettingsError
from lakehouse.settings import Settings
from lakehouse.stack import ports
from tests.gold_lakes import NAMES, NOON, gold_row
from tests.lakes import LakeWriter

NOW = NOON.timestamp() + 60
OLD = "/v1/minutes?symbol=BTCUSDT&from=2020-01-01T00:00:00Z"
PATHS = ("/v1/pulse", "/v1/minutes?symbol=BTCUSDT", "/v1/spikes")


def client_of(settings: Settings, refresher: Refresher) -> httpx.AsyncClient:
    app = create_app(settings, refresher, lambda: NOW)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://api")


@pytest.fixture
def writer(tmp_path: Path) -> LakeWriter:
    return LakeWriter(tmp_path / "lake", NAMES)


@pytest.fixture
def refresher(writer: LakeWriter) -> Refresher:
    return Refresher(writer.settings, lambda: NOW)


@pytest.fixture
async def client(writer: LakeWriter, refresher: Refresher) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(writer.settings, refresher) as found:
        yield found


def files(folder: Path, pattern: str) -> set[Path]:
    return set(folder.rglob(pattern))


async def refused(client: httpx.AsyncClient, path: str, code: str) -> None:
    """503 in the one shape of errors, with a time to ask again."""
    found = await client.get(path)
    told = models.Problem.model_validate_json(found.content)
    assert (found.status_code, told.code) == (503, code)
    assert int(found.headers["retry-after"]) > 0
    assert found.headers["cache-control"] == "no-store"


async def test_without_a_lake_everything_says_when_to_ask_again(tmp_path: Path) -> None:
    nowhere = settings_module.load(_env_file=None, data_dir=tmp_path / "nowhere")
    refresher = Refresher(nowhere)
    refresher.refresh()
    assert "There is no lake" in refresher.state.failure
    async with client_of(nowhere, refresher) as client:
        for path in (*PATHS, "/v1/audit", "/v1/gaps", "/v1/health", "/health/ready"):
            await refused(client, path, "lake_not_ready")
        assert (await client.get("/health/live")).status_code == 200
        page = (await client.get("/metrics")).text
        assert "firehose_api_snapshot_age_seconds NaN" in page


async def test_an_empty_lake_has_health_but_no_market(
    client: httpx.AsyncClient, refresher: Refresher
) -> None:
    refresher.refresh()
    for path in PATHS:
        await refused(client, path, "lake_empty")
    health = (await client.get("/v1/health")).json()
    assert health["source"]["status"] == "stale"
    assert [reason["code"] for reason in health["source"]["reasons"]] == ["no_data"]
    assert (await client.get("/v1/gaps")).json() == {"gaps": [], "counts": {}, "next": None}
    assert (await client.get("/health/ready")).json() == {"ready": True, "lake_answers": True}


async def test_the_last_good_snapshot_is_served_with_its_age(
    client: httpx.AsyncClient, writer: LakeWriter, refresher: Refresher
) -> None:
    writer.append(tables.GOLD, [gold_row(0)])
    refresher.refresh()
    before = (await client.get("/v1/pulse")).json()["symbols"]
    catalog = writer.settings.catalog_db
    aside = catalog.with_suffix(".aside")
    for broken in (b"this is no database " * 99, b"", None):
        catalog.rename(aside)
        if broken is not None:
            catalog.write_bytes(broken)
        refresher.refresh()
        assert refresher.state.failure
        found = await client.get("/v1/pulse")
        assert (found.status_code, found.json()["symbols"]) == (200, before)
        assert found.headers["x-snapshot-age"] == "0.0"
        assert (await client.get("/health/ready")).json()["lake_answers"] is False
        aside.replace(catalog)
    writer.append(tables.GOLD, [gold_row(1)])
    refresher.refresh()
    assert refresher.state.failure == ""
    assert (await client.get("/v1/pulse")).json()["symbols"][0]["minute"].endswith("12:01:00Z")


async def test_metadata_that_is_broken_is_no_news_until_it_is_whole(
    client: httpx.AsyncClient, writer: LakeWriter, refresher: Refresher, tmp_path: Path
) -> None:
    writer.append(tables.GOLD, [gold_row(0)])
    refresher.refresh()
    before = files(tmp_path, "*.metadata.json")
    writer.append(tables.GOLD, [gold_row(1)])
    [newest] = files(tmp_path, "*.metadata.json") - before
    text = newest.read_bytes()
    newest.write_bytes(text[: len(text) // 2])
    refresher.refresh()
    assert refresher.state.failure
    assert (await client.get("/v1/pulse")).json()["symbols"][0]["minute"].endswith("12:00:00Z")
    newest.write_bytes(text)
    refresher.refresh()
    assert (await client.get("/v1/pulse")).json()["symbols"][0]["minute"].endswith("12:01:00Z")


async def test_requests_during_refreshes_see_one_commit_or_the_next(
    client: httpx.AsyncClient, writer: LakeWriter, refresher: Refresher
) -> None:
    """Each commit gives both symbols one price: no answer may mix two of them."""
    writer.append(tables.GOLD, [gold_row(0, name, "1") for name in ("BTCUSDT", "ETHUSDT")])
    refresher.refresh()
    done = threading.Event()

    def go_on() -> None:
        for price in range(2, 6):
            rows = [gold_row(price, name, str(price)) for name in ("BTCUSDT", "ETHUSDT")]
            writer.append(tables.GOLD, rows)
            refresher.refresh()
        done.set()

    work = asyncio.get_running_loop().run_in_executor(None, go_on)
    seen: set[str] = set()
    while not done.is_set():
        answers = await asyncio.gather(*(client.get("/v1/pulse") for _ in range(5)))
        for answer in answers:
            prices = {each["price"] for each in answer.json()["symbols"]}
            assert len(prices) == 1, "two commits in one answer"
            seen |= prices
        await asyncio.sleep(0.005)
    await work
    last = {each["price"] for each in (await client.get("/v1/pulse")).json()["symbols"]}
    assert last == {"5.00000000"} and len(seen | last) > 1


async def test_older_minutes_that_take_too_long_are_given_up(
    writer: LakeWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = """
    SELECT count(*) FROM range(100_000_000_000) t(x)
    WHERE x + $first + $last + $limit > 0 AND $exchange || $symbol <> ''
    """
    monkeypatch.setattr(history, "_MINUTES", endless)
    found = History(writer.settings, timeout_seconds=0.3)
    with pytest.raises(ProblemError) as told:
        await found.minutes("", Key("a", "b"), 0, 1, 1)
    assert (told.value.status, told.value.code) == (503, "history_timeout")
    # Interrupted, the thread is free again, and a close need not wait for it.
    monkeypatch.setattr(
        history, "_MINUTES", "SELECT $first + $last + $limit AS n, $exchange, $symbol"
    )
    assert len(await History(writer.settings).minutes("", Key("a", "b"), 0, 1, 1)) == 1
    found.close()


async def test_too_many_questions_about_older_minutes_are_refused(writer: LakeWriter) -> None:
    found = History(writer.settings)
    found._under_way = history.READERS + history.MOST_WAITING
    with pytest.raises(ProblemError) as told:
        await found.minutes("", Key("a", "b"), 0, 1, 1)
    assert (told.value.status, told.value.code) == (503, "busy")
    found.close()


async def test_files_that_are_gone_are_no_traceback(
    client: httpx.AsyncClient, writer: LakeWriter, refresher: Refresher, tmp_path: Path
) -> None:
    writer.append(tables.GOLD, [gold_row(-3000), gold_row(0)])
    refresher.refresh()
    for file in files(tmp_path, "*.parquet"):
        file.unlink()
    await refused(client, OLD, "lake_unreachable")
    assert len((await client.get("/v1/minutes?symbol=BTCUSDT")).json()["minutes"]) == 1


async def test_a_snapshot_that_has_expired_is_asked_for_again_later(
    client: httpx.AsyncClient, writer: LakeWriter, refresher: Refresher, tmp_path: Path
) -> None:
    writer.append(tables.GOLD, [gold_row(-3000), gold_row(0)])
    refresher.refresh()
    before = files(tmp_path, "*.parquet") | files(tmp_path, "*.avro")
    gold = writer.catalog.load_table(f"{tables.NAMESPACE}.{tables.GOLD}")
    [held] = gold.snapshots()
    gold.overwrite(gold.scan().to_arrow())
    gold.maintenance.expire_snapshots().by_id(held.snapshot_id).commit()
    for file in before:
        file.unlink()
    await refused(client, OLD, "lake_unreachable")
    refresher.refresh()
    assert len((await client.get(OLD)).json()["minutes"]) == 2


async def test_a_crowd_is_refused_and_let_in_again(
    writer: LakeWriter, refresher: Refresher
) -> None:
    crowd = Crowd(create_app(writer.settings, refresher), most=0)
    transport = httpx.ASGITransport(crowd)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        await refused(client, "/health/live", "busy")
        crowd._most = 1
        assert (await client.get("/health/live")).status_code == 200
        assert (await client.get("/health/live")).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_it_listens_beyond_this_machine_only_with_a_key(host: str) -> None:
    open_to_all = settings_module.load(_env_file=None).model_copy(update={"api_host": host})
    with pytest.raises(SettingsError, match="API_KEY"):
        _require_key(open_to_all, without_key=False)
    _require_key(open_to_all, without_key=True)
    _require_key(settings_module.load(_env_file=None, api_host="::1"), without_key=False)
    _require_key(settings_module.load(_env_file=None, api_host=host or "h", api_key="k"), False)


def test_a_port_in_use_is_told_in_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind((ports.LOOPBACK, 0))
        taken.listen()
        with pytest.raises(ResourceError, match="API_PORT"):
            _listen(ports.LOOPBACK, taken.getsockname()[1])
