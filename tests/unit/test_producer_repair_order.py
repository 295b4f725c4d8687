"""The repairer: what goes first, what waits, and what one failure must not do to others."""

import asyncio
from collections.abc import Callable
from random import Random

import pytest

from lakehouse.trade import Trade
from producer.budget import BANNED
from producer.repair import MOST_IN_FLIGHT
from producer.rest_errors import Banned, RestError, ServerError, Unreachable, WrongAnswer
from tests.repairs import (
    Bench,
    Call,
    MemoryRest,
    Recorder,
    bench,
    fails_first,
    play,
    running,
    span,
    wanting,
)
from tests.virtual_time import now, run_virtual


@pytest.mark.parametrize(
    "error",
    [
        lambda: ServerError("status_500"),
        lambda: WrongAnswer("not_json"),
        lambda: Unreachable("TimeoutError"),
    ],
)
def test_a_failure_is_tried_again_later_and_later(error: Callable[[], RestError]) -> None:
    rest = MemoryRest()
    rest.fault = fails_first(12, error)
    b = play(wanting((100, 109)), rest)
    assert b.intake.ids() == list(span(100, 109))
    pauses = [y.at - x.at - 0.05 for x, y in zip(rest.calls, rest.calls[1:], strict=False)]
    assert all(min(60, 2**n / 2) / 2 <= pause <= 60.001 for n, pause in enumerate(pauses))
    assert any(line["event"] == "repair_failed" for line in b.lines)


def test_a_failing_symbol_does_not_hold_up_the_others() -> None:
    async def script(b: Bench) -> None:
        for n in range(10):
            b.want(*((lo, lo + 2) for lo in range(0, 50_000, 5000)), symbol=f"BAD{n}")
        await asyncio.sleep(10)
        began = now()
        b.want((100, 109))
        assert await b.until(lambda: len(b.intake.trades) == 10) - began < 0.5

    def fault(call: Call, rows: list[Trade]) -> list[Trade]:
        if call.symbol.startswith("BAD"):
            raise ServerError("status_500")
        return rows

    rest = MemoryRest()
    rest.fault = fault
    b = play(script, rest)
    assert len(b.rest.calls) < 200


def test_a_ban_holds_up_all_symbols_until_it_is_over() -> None:
    async def script(b: Bench) -> None:
        def banned() -> RestError:
            b.budget.pause(120, now(), BANNED)  # as RestClient does
            return Banned(120)

        b.rest.fault = fails_first(1, banned)
        b.want((100, 109), symbol="A")
        await asyncio.sleep(1)
        b.want((100, 109), symbol="B")
        await b.until_done()

    b = play(script)
    assert [call.at for call in b.rest.calls] == pytest.approx([0, 120.05, 120.05])
    assert b.intake.ids("A") == b.intake.ids("B") == list(span(100, 109))


def test_a_resume_of_millions_does_not_delay_a_small_gap() -> None:
    async def script(b: Bench) -> None:
        for n in range(8):
            b.want((1, 1_000_000), symbol=f"HUGE{n}")
        await asyncio.sleep(3.5)  # the burst is used up
        assert b.rest.most == MOST_IN_FLIGHT - 1, "a place is kept for small ones"
        began = now()
        b.want((2_000_000, 2_000_009), symbol="HUGE0")
        b.want((100, 109), symbol="LIVE")
        await b.until(lambda: len(b.intake.ids("LIVE")) == 10)
        await b.until(lambda: b.intake.ids("HUGE0")[-1] == 2_000_009)
        assert now() - began < 0.5

    play(script)


def test_a_flood_of_small_gaps_does_not_starve_a_large_one() -> None:
    async def main() -> None:
        b = bench(limit=600)  # 2.25 requests a second
        async with running(b.repairer):
            b.want((1, 20_000))
            for second in range(60):
                for n in range(5):
                    b.want((10_000 * second, 10_000 * second), symbol=f"S{n}")
                await asyncio.sleep(1)
            assert len(b.intake.ids()) == 20_000
            small = sum(len(b.intake.ids(f"S{n}")) for n in range(5))
            assert small > 100, "they still come first"

    run_virtual(main())


def test_no_room_holds_back_and_what_waits_is_bounded() -> None:
    async def script(b: Bench) -> None:
        b.intake.room = False
        for n in range(10):
            b.want((1, 5_000), symbol=f"S{n}")
        await asyncio.sleep(20)
        assert len(b.rest.calls) <= MOST_IN_FLIGHT
        b.intake.room = True
        await b.until_done()

    b = play(script)
    assert b.intake.ids("S7") == list(span(1, 5_000))


def test_it_may_be_cancelled_at_any_time_and_taken_up_again() -> None:
    async def main() -> None:
        rng, rest = Random(3), MemoryRest(holes=(7, 4321))
        b = bench(rest, intake=Recorder())
        b.want((1, 9000))
        b.want((50, 60), symbol="B")
        while b.repairer.pending:
            b.intake.room = rng.random() < 0.8
            async with running(b.repairer):
                await asyncio.sleep(rng.expovariate(2))
            assert rest.under_way == []
        assert set(b.intake.ids()) == set(span(1, 9000)) - {7, 4321}
        assert b.intake.ids("B")[-11:] == list(span(50, 60))
        assert b.intake.lost().pairs == ((7, 7), (4321, 4321))

    run_virtual(main())


def test_an_error_of_our_own_is_not_swallowed() -> None:
    async def main() -> None:
        b = bench()
        b.rest.fault = lambda call, rows: [rows[100_000]]
        b.want((1, 2))
        with pytest.raises(IndexError):
            await b.repairer.run()

    run_virtual(main())
