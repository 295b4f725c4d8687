"""Whatever the exchange does for a while: in the end all that it has is here."""

import asyncio
from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.id_ranges import IdRanges
from lakehouse.trade import Trade
from producer.budget import RATE_LIMITED
from producer.rest_errors import RateLimited, ServerError, Unreachable, WrongAnswer
from tests.repairs import Bench, Call, MemoryRest, bench, running
from tests.virtual_time import now, run_virtual

SYMBOLS = ("A", "B", "C")
GAPS = st.lists(
    st.tuples(
        st.sampled_from(SYMBOLS), st.integers(0, 6000), st.integers(0, 2500), st.floats(0, 5)
    ),
    min_size=1,
    max_size=12,
)
HOLES = st.lists(st.tuples(st.integers(0, 8600), st.integers(1, 300)), max_size=6)


class Moody:
    """Fails, keeps rows back (each three times at most) and lags, for the first minutes."""

    def __init__(self, b: Bench, rng: Random, rate: float) -> None:
        self._b = b
        self._rng = rng
        self._rate = rate
        self._kept_back: Counter[tuple[str, int]] = Counter()

    def top(self, symbol: str) -> int:
        """REST is so far for now; it has nothing above."""
        return 10_000 if now() > 100 else self._rng.choice([500, 3000, 10_000])

    def fault(self, call: Call, rows: list[Trade]) -> list[Trade]:
        """One of many moods."""
        if now() > 200 or self._rng.random() > self._rate:
            return rows
        mood = self._rng.randrange(8)
        if mood == 0:
            self._b.budget.pause(5, now(), RATE_LIMITED)
            raise RateLimited(5)
        if mood < 4:
            raise (ServerError("status_500"), WrongAnswer("not_json"), Unreachable("x"))[mood - 1]
        return [row for row in rows if not self._keeps_back(row)]

    def _keeps_back(self, row: Trade) -> bool:
        key = (row.symbol, row.agg_id)
        if self._kept_back[key] >= 3 or self._rng.random() > 0.05:
            return False
        self._kept_back[key] += 1
        return True


@settings(max_examples=25)
@given(GAPS, HOLES, st.integers(0, 10**6), st.sampled_from([0.0, 0.3, 0.9]))
def test_all_that_the_exchange_has_comes_and_only_what_it_has_not_is_given_up(
    gaps: list[tuple[str, int, int, float]], holes: list[tuple[int, int]], seed: int, rate: float
) -> None:
    absent = {agg_id for lo, size in holes for agg_id in range(lo, lo + size)}
    b = run_virtual(_repaired(gaps, absent, seed, rate))
    for symbol in SYMBOLS:
        wanted = IdRanges((lo, lo + size) for name, lo, size, _ in gaps if name == symbol)
        ids = {agg_id for lo, hi in wanted for agg_id in range(lo, hi + 1)}
        assert set(b.intake.ids(symbol)) == ids - absent
        assert b.intake.lost(symbol) == IdRanges.from_ids(ids & absent)
    spans = [sum(0 <= late.at - call.at <= 60 for late in b.rest.calls) for call in b.rest.calls]
    assert max(spans) * 4 <= 4800
    assert b.rest.most <= 4


async def _repaired(
    gaps: list[tuple[str, int, int, float]], absent: set[int], seed: int, rate: float
) -> Bench:
    b = bench(MemoryRest(holes=absent))
    moody = Moody(b, Random(seed), rate)
    b.rest.fault, b.rest.top = moody.fault, moody.top
    async with running(b.repairer):
        for symbol, lo, size, pause in gaps:
            b.want((lo, lo + size), symbol=symbol)
            await asyncio.sleep(pause)
        await b.until_done()
    return b
