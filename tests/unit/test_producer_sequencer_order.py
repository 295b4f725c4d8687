"""Whatever happens: each id goes through once, and live ones in order."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from producer.recalled import Known
from producer.sequencer import Patience, Verdict
from tests.sequences import Desk, trade


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
