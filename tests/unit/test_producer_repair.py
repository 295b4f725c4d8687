"""The repairer against an exchange in memory, in virtual time."""

import asyncio

import pytest

from lakehouse.errors import StackError
from lakehouse.trade import Trade
from producer.repair_line import Patience
from producer.rest_errors import (
    ServerError,
    UnreadableRow,
    UnreadableRows,
)
from tests.repairs import Bench, Call, MemoryRest, Recorder, bench, fails_first, play, span, wanting
from tests.virtual_time import now


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


@pytest.mark.parametrize(("holes", "top"), [((104,), 10**9), ((), 103)])
def test_what_is_asked_for_again_while_it_is_waited_for_changes_nothing(
    holes: tuple[int, ...], top: int
) -> None:
    async def script(b: Bench) -> None:
        b.want((100, 109))
        await asyncio.sleep(5)
        asked, again = len(b.rest.calls), b.repairer.pending
        for _ in range(50):
            b.want((104, 109) if top < 109 else (104, 104))
            await asyncio.sleep(0.01)
        assert (len(b.rest.calls) - asked <= 1, b.repairer.pending) == (True, again)

    rest = MemoryRest(holes, top)
    b = play(script, rest)
    assert b.intake.ids()[:4] == [100, 101, 102, 103]


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


async def test_what_the_intake_raises_comes_out_as_it_is() -> None:
    class Refusing(Recorder):
        def offer_repaired(self, trade: Trade) -> bool:
            raise StackError("Kafka refused a message.")

    b = bench(intake=Refusing())
    b.want((1, 2))
    with pytest.raises(StackError):
        await asyncio.wait_for(b.repairer.run(), 5)
