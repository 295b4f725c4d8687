"""Which symbols are followed, asked from a simulated exchange over HTTP."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import structlog
from structlog.testing import capture_logs
from structlog.typing import EventDict

from lakehouse.errors import ResourceError, SettingsError, UnreachableError
from lakehouse.settings import load
from lakehouse.stack.ports import free_ports
from producer import following as following_module
from producer.budget import WeightBudget
from producer.following import Following
from producer.metrics import Counters
from producer.rest import RestClient
from producer.simulator.exchange import Exchange
from producer.simulator.fault_specs import parse
from producer.simulator.faults import FaultSet
from producer.simulator.market import MarketSpec
from producer.simulator.market_source import MarketSource
from producer.simulator.options import Limits
from producer.simulator.server import serving
from producer.symbols_file import SymbolsFile
from tests.integration.producer_exchange import until

LISTED = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BTCEUR")


class Place(NamedTuple):
    """Where an exchange is, or is not yet."""

    port: int

    @asynccontextmanager
    async def lists(self, *symbols: str, faults: Sequence[str] = ()) -> AsyncIterator[None]:
        source = MarketSource(MarketSpec(symbols, trades=0), 1_723_161_254_000_000)
        exchange = Exchange(source, FaultSet(0, map(parse, faults)), 1)
        async with serving(exchange, Limits(), port=self.port):
            yield

    @asynccontextmanager
    async def follower(self, text: str, file: Path | None = None) -> AsyncIterator[Following]:
        url = f"http://127.0.0.1:{self.port}"
        async with RestClient(url, WeightBudget(100_000), Counters()) as rest:
            yield Following(text.split(","), rest, structlog.get_logger(), SymbolsFile(file))


@pytest.fixture
def place() -> Place:
    return Place(*free_ports(1))


@pytest.fixture
def logs() -> Iterator[list[EventDict]]:
    with capture_logs() as found:
        yield found


def events(logs: list[EventDict]) -> list[str]:
    return [line["event"] for line in logs]


async def test_a_start_takes_what_the_exchange_lists(place: Place) -> None:
    async with place.lists(*LISTED), place.follower("BTCEUR,ALL:USDT,-ETHUSDT") as following:
        assert await following.start() == ("BTCEUR", "BTCUSDT", "SOLUSDT") == following.symbols
        assert not following.kept


async def test_a_start_names_what_is_not_listed(place: Place) -> None:
    async with place.lists(*LISTED), place.follower("BTCUSD") as following:
        with pytest.raises(SettingsError, match=r"not list BTCUSD \(near: BTCUSDT"):
            await following.start()


@pytest.mark.parametrize("faults", [None, ["rest-status:500"], ["rest-status:418"],
                                    ["rest-garbage:1"], ["rest-slow:30"]])  # fmt: skip
async def test_a_start_with_names_waits_for_no_list(
    place: Place, faults: list[str] | None, logs: list[EventDict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following_module, "NAMED_SECONDS", 0.5)
    began = time.monotonic()
    async with place.follower("NEWUSDT,BTCUSDT") as following:
        if faults is None:
            found = await following.start()
        else:
            async with place.lists(*LISTED, faults=faults):
                found = await following.start()
    assert found == ("NEWUSDT", "BTCUSDT") and time.monotonic() - began < 5
    assert events(logs) == ["exchange_info_failed"] and logs[0]["reason"]


async def test_a_quote_needs_the_list_once(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "symbols.json"
    async with place.follower("ALL:USDT", file) as following:
        with pytest.raises(UnreachableError, match="ALL:USDT needs"):
            await following.start()
    async with place.lists(*LISTED), place.follower("ALL:USDT", file) as following:
        symbols = await following.start()
        await following.change(["BTCEUR"], ["SOLUSDT"])
    async with place.follower("ALL:USDT", file) as following:
        assert await following.start() == ("BTCUSDT", "ETHUSDT", "BTCEUR")
    async with place.follower("ALL:EUR", file) as following:  # remembered was another question
        with pytest.raises(UnreachableError, match="ALL:EUR needs"):
            await following.start()
    assert symbols == ("BTCUSDT", "ETHUSDT", "SOLUSDT")


async def test_changes_are_checked_told_and_survive_a_restart(place: Place, tmp_path: Path) -> None:
    file, told = tmp_path / "symbols.json", list[tuple[str, ...]]()
    async with place.lists(*LISTED):
        async with place.follower("BTCUSDT,ETHUSDT", file) as following:
            await following.start()
            following.on_change = told.append
            assert following.kept
            await following.change(["SOLUSDT"], [])
            await following.change(["SOLUSDT"], [])  # again: no error, and nobody is told
            await following.change(["BTCEUR"], ["ETHUSDT"])
            with pytest.raises(SettingsError, match="not list SOLUSD "):
                await following.change(["SOLUSD"], [])
            with pytest.raises(SettingsError, match="ETHUSDT is not followed"):
                await following.change([], ["ETHUSDT"])
            with pytest.raises(SettingsError, match="No symbol is left"):
                await following.change([], ["BTCUSDT", "SOLUSDT", "BTCEUR"])
        assert told == [("BTCUSDT", "ETHUSDT", "SOLUSDT"), ("BTCUSDT", "SOLUSDT", "BTCEUR")]
        async with place.follower("BTCUSDT,ETHUSDT", file) as again:
            assert await again.start() == told[-1]
    async with place.lists("BTCUSDT"), place.follower("BTCUSDT,ETHUSDT", file) as later:
        # What was added once and delisted since must not stop a start.
        assert await later.start() == ("BTCUSDT",)


async def test_a_change_that_cannot_be_kept_is_not_made(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    async with place.lists(*LISTED), place.follower("BTCUSDT", folder / "s.json") as following:
        await following.start()
        (folder / "s.json").unlink()
        folder.rmdir()
        with pytest.raises(ResourceError, match="can't be written"):
            await following.change(["ETHUSDT"], [])
        assert following.symbols == ("BTCUSDT",) and following.changes.add == ()


@pytest.mark.parametrize("content", ["{", "[]", '{"add": []}', '{"add": ["x"], "remove": []}'])
async def test_a_broken_file_is_one_sentence(place: Place, tmp_path: Path, content: str) -> None:
    (tmp_path / "s.json").write_text(content)
    async with place.follower("BTCUSDT", tmp_path / "s.json") as following:
        with pytest.raises(SettingsError, match=r"s\.json can't be read"):
            await following.start()


async def test_new_listings_come_and_delisted_ones_go(place: Place, logs: list[EventDict]) -> None:
    told = list[tuple[str, ...]]()
    async with place.follower("BTCEUR,ALL:USDT") as following:
        async with place.lists(*LISTED):
            await following.start()
            following.on_change = told.append
        async with place.lists("ADAUSDT", "BTCUSDT", "ETHUSDT"):
            await following.refresh()
        assert told == [("BTCEUR", "ADAUSDT", "BTCUSDT", "ETHUSDT")]
        assert "symbols_unlisted" in events(logs)  # BTCEUR was named, so it stays
        async with place.lists("XRPUSDT", "BTCEUR"):
            await following.refresh()  # a halt of the whole exchange, or a faulty answer
        async with place.lists("BTCEUR"):
            await following.refresh()
        await following.refresh()  # nobody answers
        assert len(told) == 1 and following.symbols == told[0]
    assert events(logs)[-3:] == ["symbols_kept", "symbols_kept", "exchange_info_failed"]


async def test_the_list_is_asked_again_in_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following_module, "REFRESH_SECONDS", 0.05)
    told = list[tuple[str, ...]]()
    async with place.follower("ALL:USDT") as following:
        async with place.lists("BTCUSDT"):
            await following.start()
        following.on_change = told.append
        running = asyncio.create_task(following.run())
        async with place.lists("BTCUSDT", "ETHUSDT"):
            await until(lambda: told == [("BTCUSDT", "ETHUSDT")])
        running.cancel()


async def test_reload_takes_the_settings_over(place: Place) -> None:
    async with place.lists(*LISTED), place.follower("BTCUSDT,ETHUSDT") as following:
        await following.start()
        await following.change(["BTCEUR"], [])
        assert await following.reload(load(_env_file=None, symbols=("ALL:USDT",))) == (
            "BTCEUR", "BTCUSDT", "ETHUSDT", "SOLUSDT",
        )  # fmt: skip
        with pytest.raises(SettingsError, match="does not list XUSDT"):
            await following.reload(load(_env_file=None, symbols=("XUSDT",)))
        assert following.terms == ("ALL:USDT",) and len(following.symbols) == 4


def set_symbols(text: str) -> None:
    Path(".env").write_text(f"SYMBOLS={text}\n")


async def test_sighup_reads_the_env_file_again(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logs: list[EventDict]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SYMBOLS", raising=False)
    loop = asyncio.get_running_loop()
    async with place.lists(*LISTED), place.follower("BTCUSDT") as following:
        await following.start()
        loop.add_signal_handler(signal.SIGHUP, following.hang_up)
        try:
            set_symbols("ETHUSDT,SOLUSDT")
            os.kill(os.getpid(), signal.SIGHUP)
            await until(lambda: following.symbols == ("ETHUSDT", "SOLUSDT"))
            set_symbols("ethusdt")
            os.kill(os.getpid(), signal.SIGHUP)
            await until(lambda: "reload_failed" in events(logs))
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
        assert following.symbols == ("ETHUSDT", "SOLUSDT")


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_the_file_says_what_it_holds(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    async with place.lists(*LISTED), place.follower("BTCUSDT,ETHUSDT", file) as following:
        await following.start()
        await following.change(["SOLUSDT"], ["ETHUSDT"])
    assert json.loads(file.read_text()) == {
        "add": ["SOLUSDT"], "remove": ["ETHUSDT"], "spec": ["BTCUSDT", "ETHUSDT"],
        "followed": ["BTCUSDT", "SOLUSDT"],
    }  # fmt: skip
    assert names_in(tmp_path) == ["s.json"]  # and no draft beside it
