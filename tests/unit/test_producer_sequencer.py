"""The sequencer: each id through once, live ones in order, every hole told as a gap."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.trade import Source, Trade
from producer.recalled import Known
from producer.sequencer import Gap, Patience, Sequencer, Verdict

PATIENCE = Patience(settle=0.1, hold=2.0, most_held=50, most_jump=1000)


def trade(agg_id: int, source: Source = "ws", symbol: str = "S") -> Trade:
    return Trade("binance", symbol, agg_id, "1.0", "2.0", 1, 1, 0, 0, True, 0, source)


class Desk:
    """What the real desk does with a sequencer, in a few lines; `log` is what Kafka would hold."""

    def __init__(self, patience: Patience = PATIENCE) -> None:
        self.sequencer = Sequencer(patience)
        self.log: list[Trade] = []
        self.gaps: list[Gap] = []
        self.duplicates = 0
        self.now = 0.0

    def take(self, *trades: Trade) -> list[Verdict]:
        return [self._take(each) for each in trades]

    def ids(self, *agg_ids: int) -> list[Verdict]:
        return self.take(*map(trade, agg_ids))

    def tick(self, seconds: float = 0.05, clear: bool = True) -> list[Gap]:
        self.now += seconds
        found = self.sequencer.tick(self.now)
        self.gaps += found
        for gap in found if clear else []:
            self.sequencer.cleared(gap)
        self._drain()
        return found

    def _take(self, each: Trade) -> Verdict:
        verdict = self.sequencer.take(each)
        self._drain()
        if verdict in (Verdict.IN_ORDER, Verdict.LATE):
            self.log.append(each)
        self.duplicates += verdict is Verdict.DUPLICATE
        return verdict

    def _drain(self) -> None:
        self.log += self.sequencer.released
        self.sequencer.released.clear()

    @property
    def sent(self) -> list[int]:
        return [each.agg_id for each in self.log]


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


@settings(max_examples=300)
@given(st.integers(0, 2**32), st.integers(2, 120), st.sampled_from([3, 50, 1000]))
def test_whatever_happens_each_id_goes_through_once_and_live_ones_in_order(
    seed: int, count: int, most_held: int
) -> None:
    rng = Random(seed)
    desk = Desk(Patience(settle=0.1, hold=0.5, most_held=most_held, most_jump=10_000))
    desk.sequencer.resume("S", Known(0, 0, []))
    absent = {rng.randrange(1, count + 1) for _ in range(rng.randrange(3))}
    absent = {i for i in absent if rng.random() < 0.5} - {count}
    live = [i for i in range(1, count + 1) if i not in absent]
    lost = {i for i in live if rng.random() < 0.2} - {count}
    arriving = [i for i in live if i not in lost]
    for place in range(len(arriving) - 1):
        if rng.random() < 0.1:
            arriving[place], arriving[place + 1] = arriving[place + 1], arriving[place]
    arriving += [i for i in arriving if rng.random() < 0.1]  # the overlap of two connections
    wanted: list[int] = []

    def breathe() -> None:
        for gap in desk.tick(rng.choice([0.01, 0.1, 0.7])):
            wanted.extend(range(gap.from_id, gap.to_id + 1))
        while wanted and rng.random() < 0.6:
            agg_id = wanted.pop(0)
            if agg_id in absent:
                desk.sequencer.absent("S", agg_id, agg_id)
            else:
                while desk.take(trade(agg_id, "rest")) == [Verdict.FULL]:
                    desk.tick(0.1)

    for agg_id in arriving:
        while desk.ids(agg_id) == [Verdict.FULL]:
            breathe()
        if rng.random() < 0.3:
            breathe()
    for _ in range(40 * count):
        breathe()
    assert sorted(desk.sent) == live
    assert desk.sequencer.missing_ids == desk.sequencer.held == 0
    passed = [each.agg_id for each in desk.log if each.source == "ws"]
    # A live trade may be late only where it had been overtaken so far that its gap was passed over.
    overtaken = {gap_id for gap in desk.gaps for gap_id in range(gap.from_id, gap.to_id + 1)}
    in_order = [agg_id for agg_id in passed if agg_id not in overtaken]
    assert in_order == sorted(in_order)


@pytest.mark.parametrize("symbols", [3])
def test_symbols_do_not_touch_each_other(symbols: int) -> None:
    desk = Desk()
    for number in range(symbols):
        desk.take(trade(1, symbol=f"S{number}"))
    desk.take(trade(5, symbol="S0"), trade(2, symbol="S1"))
    desk.tick()
    assert desk.tick(0.2) == [Gap("S0", 2, 4)]
    assert desk.sequencer.known() == {"S0": (1, 1), "S1": (1, 2), "S2": (1, 1)}
