"""The repairer against an exchange in memory, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from lakehouse.trade import Trade
from producer.budget import BANNED
from producer.repair import MOST_IN_FLIGHT
from producer.repair_line import Patience
from producer.rest_errors import (
    Banned,
    RestError,
    ServerError,
    Unreachable,
    UnreadableRow,
    UnreadableRows,
    WrongAnswer,
)
from tests.repairs import Bench, Call, MemoryRest, Recorder, bench, fails_first, running, span
from tests.virtual_time import now, run_virtual

Script = Callable[[Bench], Awaitable[None]]


def play(script: Script, rest: MemoryRest | None = None) -> Bench:
    """Run a script beside a running repairer."""

    async def main() -> Bench:
        made = bench(rest)
        async with running(made.repairer):
            await script(made)
        return made

    return run_virtual(main())


def wanting(*gaps: tuple[int, int]) -> Script:
    async def script(b: Bench) -> None:
        b.want(*gaps)
        await b.until_done()

    return script


def test_a_gap_is_fetched_at_once_and_nothing_but_the_gap() -> None:
    b = play(wanting((100, 109)))
    assert b.intake.ids() == list(span(100, 109))
    assert b.rest.calls == [(0.0, "S", 100, 11)]
    assert (b.counters.repair_pending, b.intake.gone) == (0, [])


def test_a_large_gap_comes_page_by_page_each_id_once() -> None:
    b = play(wanting((5, 12_345)))
    assert b.intake.ids() == list(span(5, 12_345))
    assert len(b.rest.calls) == 13


def test_gaps_near_each_other_share_a_page() -> None:
    b = play(wanting(*((lo, lo + 1) for lo in range(1000, 5000, 50))))
    assert b.intake.ids() == [lo + n for lo in range(1000, 5000, 50) for n in (0, 1)]
    assert len(b.rest.calls) == 4


def test_a_range_asked_for_again_is_not_fetched_twice() -> None:
    async def script(b: Bench) -> None:
        b.want((10, 20), (15, 30), (10, 20))
        assert b.repairer.pending == 1
        await asyncio.sleep(0.01)  # under way
        b.want((10, 30), (31, 40))
        await b.until_done()

    b = play(script)
    assert sorted(b.intake.ids()) == list(span(10, 40))
    assert len(b.rest.calls) == 2


def test_an_id_that_the_exchange_has_not_is_asked_for_three_times_more() -> None:
    b = play(wanting((100, 109)), MemoryRest(holes=(104, 105)))
    assert b.intake.ids() == [100, 101, 102, 103, 106, 107, 108, 109]
    [(at, symbol, lo, hi)] = b.intake.gone
    assert (symbol, lo, hi) == ("S", 104, 105)
    pauses = [b2.at - a.at for a, b2 in zip(b.rest.calls, b.rest.calls[1:], strict=False)]
    assert pauses == pytest.approx([1.05, 3.05, 10.05])
    assert at == pytest.approx(14.2)
    assert b.counters.rest_absent_ids == 2


def test_a_row_kept_back_is_not_taken_for_a_hole() -> None:
    rest = MemoryRest()
    rest.fault = lambda call, rows: [r for r in rows if r.agg_id != 104 or len(rest.calls) > 5]
    b = play(wanting((100, 109)), rest)
    assert b.intake.ids()[-1] == 104
    assert b.intake.gone == []


def test_a_hole_larger_than_many_pages_needs_no_page_for_each_thousand() -> None:
    b = play(wanting((1, 50_000)), MemoryRest(holes=range(11, 49_991)))
    assert b.intake.ids() == [*span(1, 10), *span(49_991, 50_000)]
    assert b.intake.lost().pairs == ((11, 49_990),)
    assert len(b.rest.calls) <= 6


def test_rest_that_is_behind_is_asked_again_for_ever_and_nothing_is_given_up() -> None:
    rest = MemoryRest()
    rest.top = lambda symbol: 104 if now() < 3000 else 200
    b = play(wanting((100, 109)), rest)
    assert b.intake.ids() == list(span(100, 109))
    assert b.intake.gone == []
    assert max(y.at - x.at for x, y in zip(rest.calls, rest.calls[1:], strict=False)) <= 60.1
    assert len(rest.calls) < 200


def test_when_rest_has_caught_up_what_waited_comes_at_once() -> None:
    async def script(b: Bench) -> None:
        b.want((100, 109))
        await asyncio.sleep(310)
        b.want((150, 151))
        assert await b.until_done() < 311

    rest = MemoryRest()
    rest.top = lambda symbol: 90 if now() < 300 else 1000
    b = play(script, rest)
    assert sorted(b.intake.ids()) == [*span(100, 109), 150, 151]


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
        await asyncio.sleep(1)
        began = now()
        b.want((2_000_000, 2_000_009), symbol="HUGE0")
        b.want((100, 109), symbol="LIVE")
        await b.until(lambda: len(b.intake.ids("LIVE")) == 10)
        await b.until(lambda: b.intake.ids("HUGE0")[-1] == 2_000_009)
        assert now() - began < 0.5
        assert b.rest.most == MOST_IN_FLIGHT

    play(script)


def test_a_flood_of_small_gaps_does_not_starve_a_large_one() -> None:
    async def script(b: Bench) -> None:
        b.want((1, 20_000))
        for second in range(40):
            for n in range(50):
                b.want((10_000 * second, 10_000 * second), symbol=f"S{n}")
            await asyncio.sleep(1)
        assert len(b.intake.ids()) == 20_000

    play(script)


def test_no_room_holds_back_and_what_waits_is_bounded() -> None:
    async def script(b: Bench) -> None:
        b.intake.room = False
        for n in range(10):
            b.want((1, 5_000), symbol=f"S{n}")
        await asyncio.sleep(60)
        assert len(b.rest.calls) <= MOST_IN_FLIGHT
        b.intake.room = True
        await b.until_done()

    b = play(script)
    assert b.intake.ids("S7") == list(span(1, 5_000))


def test_a_probe_takes_all_and_tells_how_much_was_new() -> None:
    async def script(b: Bench) -> None:
        told: list[tuple[str, int]] = []
        b.repairer.on_probe = lambda symbol, found: told.append((symbol, found))
        b.repairer.probe("S", 101)
        await b.until_done()
        assert told == [("S", 20)]
        b.intake.last["S"] = 115
        b.repairer.probe("S", 101)
        b.repairer.probe("QUIET", 500)
        await b.until_done()
        assert sorted(told[1:]) == [("QUIET", 0), ("S", 5)]

    b = play(script, MemoryRest(top=120))
    assert b.intake.ids() == [*span(101, 120), *span(101, 120)]


def test_a_probe_that_fails_is_answered_in_the_end() -> None:
    async def script(b: Bench) -> None:
        told: list[tuple[str, int]] = []
        b.repairer.on_probe = lambda symbol, found: told.append((symbol, found))
        b.rest.fault = fails_first(4, lambda: ServerError("status_503"))
        b.repairer.probe("S", 101)
        await b.until_done()
        assert told == [("S", 20)]

    play(script, MemoryRest(top=120))


def test_a_rotten_row_is_refused_then_goes_to_the_dead_letters_once() -> None:
    def fault(call: Call, rows: list[Trade]) -> list[Trade]:
        good = [row for row in rows if row.agg_id != 104]
        if len(good) < len(rows):
            raise UnreadableRows(good, [UnreadableRow(b"{}", "field_missing:p", 104)])
        return rows

    rest = MemoryRest()
    rest.fault = fault
    b = play(wanting((100, 109)), rest)
    assert b.intake.ids() == [100, 101, 102, 103, 105, 106, 107, 108, 109]
    assert b.intake.lost().pairs == ((104, 104),)
    assert [(letter.raw, letter.reason) for letter in b.intake.letters] == [
        (b"{}", "field_missing:p")
    ]
    assert len(rest.calls) == Patience().unreadable_times
    assert b.counters.rest_trades == 1


def test_rows_that_stay_unreadable_without_an_id_are_no_tight_loop() -> None:
    def fault(call: Call, rows: list[Trade]) -> list[Trade]:
        raise UnreadableRows([], [UnreadableRow(b"x", "row_not_an_object", None)] * len(rows))

    async def script(b: Bench) -> None:
        b.want((100, 109))
        await asyncio.sleep(3600)
        assert b.repairer.pending == 1

    rest = MemoryRest()
    rest.fault = fault
    b = play(script, rest)
    assert 50 < len(rest.calls) < 200
    assert (len(b.intake.letters), b.intake.gone) == (1, [])


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
        with pytest.raises(ExceptionGroup):
            await b.repairer.run()

    run_virtual(main())
