"""The repairer and the REST client against the simulated exchange, over a real port."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import NamedTuple

import pytest

from lakehouse.exchanges.binance import event_of, parse_frame, parse_trade
from lakehouse.id_ranges import IdRanges
from lakehouse.trade import Trade
from producer.budget import WeightBudget
from producer.metrics import Counters
from producer.repair import Repairer
from producer.repair_line import Patience
from producer.rest import RestClient
from producer.sequencer import Gap
from producer.simulator.options import Limits
from tests.repairs import Recorder, log_of, running
from tests.simulated import Client, market, receive, simulated

FIRST = 1_000_000


class Repair(NamedTuple):
    """A repairer at work on a simulated exchange."""

    repairer: Repairer
    client: RestClient
    intake: Recorder
    counters: Counters
    simulator: Client

    async def until_done(self, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while self.repairer.pending:  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.01)


@asynccontextmanager
async def repairing(
    simulator: Client, per_minute: int = 4800, patience: Patience | None = None
) -> AsyncIterator[Repair]:
    budget, counters, intake = WeightBudget(per_minute), Counters(), Recorder()
    async with RestClient(simulator.rest_url, budget, counters) as client:
        log, _ = log_of()
        repairer = Repairer(client, intake, budget, counters, log, Random(1), patience)
        async with running(repairer):
            yield Repair(repairer, client, intake, counters, simulator)


def read(frames: Sequence[bytes]) -> list[Trade]:
    """The trades of frames, with the fields that REST has not made as REST has them."""
    trades = [parse_trade(event_of(parse_frame(frame)), 0, "rest") for frame in frames]
    return [trade._replace(event_time=trade.trade_time) for trade in trades]


async def fresh_minute(seconds: float) -> None:
    """The exchange counts by the clock's minute: don't begin at the end of one."""
    left = 60 - time.time() % 60
    await asyncio.sleep(left + 0.1 if left < seconds else 0)


async def test_a_hundred_thousand_dropped_ids_are_back_and_the_weight_stays_below() -> None:
    lo, hi = FIRST + 500, FIRST + 100_499
    source = market(202_000)
    async with simulated(source, faults=[f"drop:BTCUSDT:{lo}-{hi}"]) as simulator:
        async with simulator.connect(["BTCUSDT"]) as ws:
            live = read(await receive(ws, 1000))
        assert IdRanges.from_ids(trade.agg_id for trade in live).missing() == [(lo, hi)]
        async with repairing(simulator) as r:
            r.repairer.request(Gap("BTCUSDT", lo, hi))
            await r.until_done(60)
        assert r.intake.ids("BTCUSDT") == list(range(lo, hi + 1))
        assert r.intake.gone == []
        assert r.counters.rest_requests == {"ok": 100}
        assert 400 <= r.counters.rest_weight_used <= 4800


async def test_what_comes_over_rest_is_what_the_websocket_would_have_brought() -> None:
    async with simulated(market(4000)) as simulator, simulator.connect() as ws:
        live = read(await receive(ws, 4000))
        async with repairing(simulator) as r:
            for symbol in ("BTCUSDT", "ETHUSDT"):
                r.repairer.request(Gap(symbol, FIRST, FIRST + 1999))
            await r.until_done(30)
        got = sorted(trade._replace(ingest_time=0) for trade in r.intake.trades)
        assert got == sorted(live)


@pytest.mark.parametrize(
    ("faults", "outcomes"),
    [
        (["rest-status:429,retry_after=1,times=3"], {"rate_limited"}),
        (["rest-status:418,retry_after=1,times=1"], {"banned"}),
        (["rest-status:500,times=4"], {"server_error"}),
        (["rest-garbage:0.5,times=4"], {"wrong_answer"}),
        (["rest-slow:0.2"], set()),
        (["rest-holes:0.02,times=200"], set()),
        (["rest-status:500,probability=0.3,times=10", "rest-holes:0.01,times=50",
          "rest-garbage:0.2,times=5", "rest-slow:0.05"], {"server_error", "wrong_answer"}),
    ],
)  # fmt: skip
async def test_every_fault_of_rest_is_outlived(faults: list[str], outcomes: set[str]) -> None:
    async with simulated(market(8000)) as simulator, simulator.connect() as ws:
        await receive(ws, 8000)
        await simulator.post("/control/faults", faults)
        async with repairing(simulator) as r:
            for symbol in ("BTCUSDT", "ETHUSDT"):
                r.repairer.request(Gap(symbol, FIRST, FIRST + 3899))
            await r.until_done(50)
        for symbol in ("BTCUSDT", "ETHUSDT"):
            assert sorted(r.intake.ids(symbol)) == list(range(FIRST, FIRST + 3900))
        assert r.intake.gone == []
        assert outcomes <= r.counters.rest_requests.keys()
        paused = bool(outcomes & {"rate_limited", "banned"})
        assert (r.counters.rest_paused_seconds > 0) == paused


async def test_the_exchange_never_has_to_refuse_though_another_uses_its_weight_too() -> None:
    limits = Limits(weight_per_minute=300)
    async with simulated(market(60_000), limits=limits) as simulator:
        async with simulator.connect() as ws:
            await receive(ws, 60_000)
        await fresh_minute(20)
        async with repairing(simulator, per_minute=300) as r:
            for _ in range(11):
                await simulator.get("/api/v3/exchangeInfo")
            r.repairer.request(Gap("BTCUSDT", FIRST, FIRST + 29_999))
            await asyncio.sleep(12)
            assert r.counters.rest_requests.keys() == {"ok"}
            assert r.counters.rest_requests["ok"] == 20
            assert r.counters.rest_weight_used == 300


async def test_ids_that_the_exchange_lacks_are_given_up_and_the_rest_comes() -> None:
    async with simulated(market(2000)) as simulator, simulator.connect() as ws:
        await receive(ws, 2000)
        async with repairing(simulator, patience=Patience((0.1,) * 3, (0.1,) * 6)) as r:
            r.repairer.request(Gap("BTCUSDT", FIRST - 5, FIRST + 9))
            r.repairer.probe("ETHUSDT", FIRST + 990)
            await r.until_done(60)
        assert r.intake.ids("BTCUSDT") == list(range(FIRST, FIRST + 10))
        assert r.intake.ids("ETHUSDT") == list(range(FIRST + 990, FIRST + 1000))
        assert r.intake.lost("BTCUSDT").pairs == ((FIRST - 5, FIRST - 1),)


async def test_a_symbol_that_the_exchange_does_not_list_holds_nobody_up() -> None:
    async with simulated(market(2000)) as simulator, simulator.connect() as ws:
        await receive(ws, 2000)
        async with repairing(simulator) as r:
            r.repairer.request(Gap("DELISTED", 1, 10_000))
            r.repairer.request(Gap("BTCUSDT", FIRST, FIRST + 9))
            async with asyncio.timeout(5):
                while len(r.intake.trades) < 10:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert r.repairer.pending == 1
            assert r.counters.rest_requests["wrong_answer"] >= 1
