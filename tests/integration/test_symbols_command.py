"""`firehose symbols` as a user types it, against the producer's real HTTP."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from aiohttp import web

from lakehouse.stack.ports import free_ports
from tests.commands import firehose
from tests.integration.test_producer_following import LISTED, Place
from tests.vitals import FakeVitals, operating

Typed = Callable[..., Coroutine[Any, Any, CompletedProcess[str]]]


@pytest.fixture
def typed(tmp_path: Path) -> Typed:
    """`firehose symbols WORDS` with this test's data folder; exit code and all it printed."""

    async def run(*words: str, **env: str) -> CompletedProcess[str]:
        more = ("--data-dir", str(tmp_path / "lake")) if "--url" not in words else ()
        given = ("symbols", *words, *more)
        return await asyncio.to_thread(firehose, tmp_path, *given, env=env, seconds=60)

    return run


def write_ready(folder: Path, url: str, pid: int) -> None:
    port = int(url.rpartition(":")[2])
    (folder / "lake" / "run").mkdir(parents=True, exist_ok=True)
    ready = folder / "lake" / "run" / "producer.json"
    ready.write_text(json.dumps({"metrics_port": port, "pid": pid}))


@asynccontextmanager
async def producer(folder: Path, file: Path | None = None) -> AsyncIterator[str]:
    """The HTTP of a producer that follows BTCUSDT and ETHUSDT, told of in the data folder."""
    place = Place(*free_ports(1))
    async with (
        operating() as (operations, url),
        place.lists(*LISTED),
        place.follower("BTCUSDT,ETHUSDT", file) as following,
    ):
        await following.start()
        operations.vitals, operations.following = FakeVitals(), following
        write_ready(folder, url, os.getpid())
        yield url


async def test_list_add_and_remove(typed: Typed, tmp_path: Path) -> None:
    async with producer(tmp_path, tmp_path / "symbols.json"):
        done = await typed("list")
        assert done.returncode == 0
        assert [line.split() for line in done.stdout.splitlines() if "USDT │" in line] == [
            ["│", "BTCUSDT", "│", "17", "│"], ["│", "ETHUSDT", "│", "4", "│"],
        ]  # fmt: skip
        assert "2 symbols followed; SYMBOLS is BTCUSDT, ETHUSDT." in done.stdout
        done = await typed("add", "solusdt", "BTCEUR")
        assert (done.returncode, done.stdout) == (
            0, "4 symbols followed; SYMBOLS is BTCUSDT, ETHUSDT; added: SOLUSDT, BTCEUR.\n",
        )  # fmt: skip
        done = await typed("remove", "ETHUSDT", "--format", "json")
        assert json.loads(done.stdout)["symbols"] == ["BTCUSDT", "SOLUSDT", "BTCEUR"]
        assert json.loads(done.stdout) == json.loads(
            (await typed("list", "--format", "json")).stdout
        )


async def test_changes_that_do_not_last_are_said_to(typed: Typed, tmp_path: Path) -> None:
    async with producer(tmp_path) as url:
        done = await typed("add", "SOLUSDT", "--url", url)
    assert done.returncode == 0 and "lasts until the producer ends" in done.stdout


async def test_what_the_producer_refuses_is_one_sentence(typed: Typed, tmp_path: Path) -> None:
    async with producer(tmp_path):
        for words, sentence in (
            (("add", "SOLUSD"), "does not list SOLUSD (near: SOLUSDT"),
            (("remove", "SOLUSDT"), "SOLUSDT is not followed."),
        ):
            done = await typed(*words)
            assert (done.returncode, sentence in done.stdout) == (2, True), done.stdout
            assert "Traceback" not in done.stdout and done.stdout.startswith("Error: ")


async def test_a_folder_without_a_producer(typed: Typed, tmp_path: Path) -> None:
    done = await typed("list")
    assert done.returncode == 5 and "No producer runs in" in done.stdout
    assert "firehose run" in done.stdout
    write_ready(tmp_path, "http://127.0.0.1:1", 2**22 + 1)  # a process that has ended
    assert "No producer runs in" in (await typed("list")).stdout
    async with producer(tmp_path / "elsewhere") as url:
        port = url.rpartition(":")[2]
        assert (await typed("list", PRODUCER_METRICS_PORT=port)).returncode == 0


async def test_nobody_and_strangers_at_the_address(typed: Typed) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = await typed("list", "--url", f"http://127.0.0.1:{port}")
    assert done.returncode == 5 and "No producer answers" in done.stdout
    app = web.Application()
    app.router.add_get("/symbols", hello)
    app.router.add_post("/symbols", broken)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        for words in (("list",), ("add", "BTCUSDT")):
            done = await typed(*words, "--url", f"http://127.0.0.1:{port}")
            assert done.returncode == 5 and "is no producer" in done.stdout
            assert "Traceback" not in done.stdout
    finally:
        await runner.cleanup()


async def hello(_: web.Request) -> web.Response:
    return web.json_response({"hello": 1})


async def broken(_: web.Request) -> web.Response:
    return web.Response(body=b"<html>", status=500)
