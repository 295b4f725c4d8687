"""The sequencer: each id through once, live ones in order, every hole told as a gap."""

from time import process_time

import pytest

from producer.recalled import Known
from producer.sequencer import Gap, Patience, Verdict
from tests.sequences import Desk, trade


def test_in_order_goes_through_at_once() -> None:
    desk = Desk()
    assert desk.ids(5, 6, 7) == [Verdict.IN_ORDER] * 3
    assert desk.sent == [5, 6, 7]


def test_reordering_within_the_settling_time_is_mended_without_a_gap() -> None:
    desk = Desk()
    desk.ids(1, 4, 3)
    assert desk.tick() == []
    desk.ids(2, 5)
    assert desk.sent == [1, 2, 3, 4, 5]
    assert desk.tick(1) == []
    assert desk.sequencer.held == 0


def test_a_jump_is_told_once_and_filled_in_place_by_the_repair() -> None:
    desk = Desk()
    desk.ids(1, 10, 11)
    assert desk.sequencer.missing_ids == 8
    desk.tick()
    assert desk.tick(0.2) == [Gap("S", 2, 9)]
    assert desk.tick(0.2) == []
    desk.take(*(trade(agg_id, "rest") for agg_id in range(2, 10)))
    assert desk.sent == list(range(1, 12))
    assert desk.sequencer.missing_ids == 0


def test_after_the_wait_the_gap_is_passed_over_and_filled_late() -> None:
    desk = Desk()
    desk.ids(1, 3, 6)
    for _ in range(60):
        desk.tick(0.1)
    assert desk.gaps == [Gap("S", 2, 2), Gap("S", 4, 5)]
    assert desk.sent == [1, 3, 6]
    assert desk.ids(4, 2) == [Verdict.LATE, Verdict.LATE]
    assert desk.ids(4, 2) == [Verdict.DUPLICATE] * 2
    assert desk.sequencer.missing_ids == 1


def test_a_repair_that_comes_along_slowly_makes_nobody_wait_longer() -> None:
    desk = Desk()
    desk.ids(1, 100)
    for agg_id in range(2, 40):
        desk.take(trade(agg_id, "rest"))
        desk.tick(0.1)
    assert 100 in desk.sent
    assert desk.sent.index(100) < 25


def test_nothing_is_passed_over_before_the_record_of_the_gap_is_safe() -> None:
    desk = Desk()
    desk.ids(1, 3)
    desk.tick()
    [gap] = desk.tick(1, clear=False)
    desk.tick(100)
    assert desk.sent == [1]
    desk.sequencer.cleared(gap)
    desk.tick()
    assert desk.sent == [1, 3]


def test_too_much_to_hold_stops_the_reading_until_the_gap_is_cleared() -> None:
    desk = Desk()
    desk.ids(1, *range(3, 53))
    assert desk.ids(53) == [Verdict.FULL]
    desk.tick()
    desk.tick(0.2)
    assert desk.ids(53, 54) == [Verdict.IN_ORDER] * 2
    assert desk.sent == [1, *range(3, 55)]


def test_an_id_the_exchange_has_not_is_not_waited_for() -> None:
    desk = Desk()
    desk.ids(1, 10)
    desk.tick()
    desk.tick(0.2)
    desk.sequencer.absent("S", 4, 6)
    desk.take(*(trade(agg_id, "rest") for agg_id in (2, 3, 7, 8, 9)))
    assert desk.sent == [1, 2, 3, 7, 8, 9, 10]
    assert desk.sequencer.missing_ids == 0
    assert desk.ids(11) == [Verdict.IN_ORDER]


def test_a_resumed_symbol_jumps_from_where_kafka_ends() -> None:
    desk = Desk()
    desk.sequencer.resume("S", Known(100, 200, [(150, 155)]))
    assert desk.sequencer.missing_ids == 6
    assert desk.ids(160, 152, 200) == [Verdict.DUPLICATE, Verdict.LATE, Verdict.DUPLICATE]
    desk.ids(205)
    desk.tick()
    assert desk.tick(0.2) == [Gap("S", 201, 204)]
    assert desk.sequencer.last_id("S") == 205


def test_gaps_on_record_beyond_the_last_trade_are_not_told_of_again() -> None:
    desk = Desk()
    desk.sequencer.resume("S", Known(1, 4, [], ahead=[(5, 5), (8, 8)], absent=[(12, 13)]))
    desk.ids(20)
    desk.tick()
    assert desk.tick(0.2) == [Gap("S", 6, 7), Gap("S", 9, 11), Gap("S", 14, 19)]
    desk.take(*(trade(agg_id, "rest") for agg_id in (*range(5, 12), *range(14, 20))))
    assert desk.sent == [*range(5, 12), *range(14, 21)]
    assert desk.sequencer.missing_ids == 0


def test_trades_before_the_first_one_count_too() -> None:
    desk = Desk()
    assert desk.ids(10, 7, 8, 7) == [
        Verdict.IN_ORDER, Verdict.LATE, Verdict.LATE, Verdict.DUPLICATE,
    ]  # fmt: skip
    desk.tick()
    assert desk.tick(0.2) == [Gap("S", 9, 9)]


def test_a_hole_before_the_first_trade_is_spoken_of_when_it_is_told() -> None:
    desk = Desk()
    desk.ids(10, 7)
    assert desk.sequencer.known() == {"S": (10, 10)}
    desk.tick()
    desk.tick(0.2)
    assert desk.sequencer.known() == {"S": (7, 10)}


def test_trades_of_another_time_are_let_through_once() -> None:
    desk = Desk()
    assert desk.ids(50_000, 7, 8, 7) == [
        Verdict.IN_ORDER, Verdict.LATE, Verdict.LATE, Verdict.DUPLICATE,
    ]  # fmt: skip
    desk.tick()
    assert desk.tick(1) == []


def test_a_jump_too_far_is_believed_when_the_next_trade_is_near() -> None:
    desk = Desk()
    assert desk.ids(1, 5000, 5000) == [Verdict.IN_ORDER, Verdict.PARKED, Verdict.DUPLICATE]
    assert desk.ids(5002) == [Verdict.HELD]
    desk.tick()
    assert desk.tick(0.2) == [Gap("S", 2, 4999), Gap("S", 5001, 5001)]


def test_a_jump_too_far_that_nothing_confirms_is_refused() -> None:
    desk = Desk()
    desk.ids(1, 10**15)
    assert desk.take(trade(2, "rest")) == [Verdict.HELD]
    assert not desk.sequencer.refused
    desk.ids(3, 4)
    assert [each.agg_id for each in desk.sequencer.refused] == [10**15]
    assert desk.sent == [1, 2, 3, 4]
    assert desk.tick(5) == []


@pytest.mark.parametrize("symbols", [3])
def test_symbols_do_not_touch_each_other(symbols: int) -> None:
    desk = Desk()
    for number in range(symbols):
        desk.take(trade(1, symbol=f"S{number}"))
    desk.take(trade(5, symbol="S0"), trade(2, symbol="S1"))
    desk.tick()
    assert desk.tick(0.2) == [Gap("S0", 2, 4)]
    assert desk.sequencer.known() == {"S0": (1, 1), "S1": (1, 2), "S2": (1, 1)}


def test_many_gaps_in_a_row_make_no_trade_wait_longer_than_one() -> None:
    desk = Desk()
    desk.ids(1, *(agg_id for agg_id in range(3, 60) if agg_id % 3))
    for _ in range(25):
        desk.tick(0.1)
    assert desk.sent[-1] == 59 and desk.sequencer.held == 0


def test_thousands_of_gaps_cost_a_tick_no_more_than_one() -> None:
    desk = Desk(Patience(hold=1e9))
    desk.ids(*range(1, 40_000, 2))
    desk.tick()
    desk.tick(1)
    assert len(desk.gaps) == 19_999
    began = process_time()
    for _ in range(100):
        desk.tick(0.01)
    assert process_time() - began < 0.2
