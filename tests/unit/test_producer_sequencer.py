"""The sequencer against a naive model that remembers every id."""

from hypothesis import given
from hypothesis import strategies as st

from producer.sequencer import MAX_SYMBOLS, Gap, Sequencer, Verdict


class Naive:
    """The same verdicts from a plain set of everything seen."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.first: int | None = None

    def observe(self, agg_id: int) -> Verdict | Gap:
        if self.first is None:
            self.first = agg_id
        verdict = self._judge(agg_id)
        if agg_id >= self.first:
            self.seen.add(agg_id)
        return verdict

    def _judge(self, agg_id: int) -> Verdict | Gap:
        if not self.seen or agg_id == max(self.seen) + 1:
            return Verdict.IN_ORDER
        if agg_id > max(self.seen):
            return Gap("S", max(self.seen) + 1, agg_id - 1)
        return Verdict.DUPLICATE if agg_id in self.seen else Verdict.LATE

    @property
    def missing(self) -> int:
        return max(self.seen) - min(self.seen) + 1 - len(self.seen) if self.seen else 0


@given(st.lists(st.integers(-5, 40), max_size=80))
def test_agrees_with_a_set_of_everything_seen(ids: list[int]) -> None:
    sequencer, naive = Sequencer(), Naive()
    for agg_id in ids:
        assert sequencer.observe("S", agg_id) == naive.observe(agg_id)
        assert sequencer.missing_ids == naive.missing


@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 20)), max_size=60))
def test_symbols_do_not_disturb_each_other(seen: list[tuple[str, int]]) -> None:
    together = Sequencer()
    apart = {"A": Sequencer(), "B": Sequencer()}
    for symbol, agg_id in seen:
        assert together.observe(symbol, agg_id) == apart[symbol].observe(symbol, agg_id)


@given(st.lists(st.integers(0, 200), max_size=200), st.integers(1, 4))
def test_bounded_memory_never_invents_a_duplicate(ids: list[int], most: int) -> None:
    sequencer, seen = Sequencer(max_holes=most), set[int]()
    for agg_id in ids:
        if sequencer.observe("S", agg_id) is Verdict.DUPLICATE:
            assert agg_id in seen
        seen.add(agg_id)
        assert len(sequencer._tracks["S"].holes) <= most


def test_a_gap_tells_its_bounds_and_size() -> None:
    sequencer = Sequencer()
    sequencer.observe("BTCUSDT", 10)
    gap = sequencer.observe("BTCUSDT", 15)
    assert gap == Gap("BTCUSDT", 11, 14)
    assert isinstance(gap, Gap) and gap.ids == 4


def test_a_jump_of_a_hostile_size_costs_nothing() -> None:
    sequencer = Sequencer()
    sequencer.observe("S", 1)
    assert sequencer.observe("S", 2**52) == Gap("S", 2, 2**52 - 1)
    assert sequencer.observe("S", 2) is Verdict.LATE
    assert sequencer.missing_ids == 2**52 - 3


def test_symbols_beyond_the_bound_are_untracked() -> None:
    sequencer = Sequencer()
    for number in range(MAX_SYMBOLS):
        assert sequencer.observe(f"S{number}", 1) is Verdict.IN_ORDER
    assert sequencer.observe("ONE_MORE", 1) is Verdict.UNTRACKED
    assert sequencer.observe("S0", 2) is Verdict.IN_ORDER
