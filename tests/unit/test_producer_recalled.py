"""What position, tail and gaps on record say together."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from lakehouse.gaps import GapMessage, GapStatus, PositionMessage
from lakehouse.id_ranges import IdRanges
from producer.recalled import combine


def position(first: int, last: int) -> PositionMessage:
    return PositionMessage(
        producer="p", exchange="binance", topic="t", offsets={0: 9},
        first_ids={"S": first}, last_ids={"S": last}, written_at=1,
    )  # fmt: skip


def gap(lo: int, hi: int, status: GapStatus = "open") -> GapMessage:
    return GapMessage(
        exchange="binance", symbol="S", from_id=lo, to_id=hi, status=status, detected_at=1
    )


def test_an_empty_kafka_knows_nothing() -> None:
    assert combine(None, {}, [], {}, 5).symbols == {}


def test_the_tail_goes_beyond_the_position() -> None:
    found = combine(position(1, 10), {"S": IdRanges([(9, 14)])}, [], {0: 15}, 5)
    known = found.symbols["S"]
    assert (known.first_id, known.last_id, known.holes) == (1, 14, [])
    assert found.offsets == {0: 15} and not found.open_gaps


def test_gaps_on_record_are_holes_but_for_what_the_tail_has() -> None:
    gaps = [gap(4, 8), gap(12, 13), gap(2, 2, "repaired")]
    found = combine(position(1, 10), {"S": IdRanges([(5, 6), (11, 11), (14, 15)])}, gaps, {}, 5)
    assert found.symbols["S"].holes == [(4, 4), (7, 8), (12, 13)]
    assert found.open_gaps == gaps[:2]


def test_gaps_beyond_the_last_trade_are_known_as_such() -> None:
    gaps = [gap(9, 12), gap(15, 16), gap(17, 18, "unrepairable"), gap(11, 11, "repaired")]
    known = combine(position(1, 10), {}, gaps, {}, 5).symbols["S"]
    assert (known.holes, known.ahead, known.absent) == ([(9, 10)], [(12, 12), (15, 16)], [(17, 18)])


def test_what_nobody_knows_is_a_gap_of_its_own() -> None:
    found = combine(position(1, 10), {"S": IdRanges([(13, 13)])}, [], {}, 5)
    [news] = found.open_gaps
    assert (news.from_id, news.to_id, news.status, news.detected_at) == (11, 12, "open", 5)
    assert found.symbols["S"].holes == [(11, 12)]
    assert found.unrecorded == [news]


def test_a_kill_amid_the_records_of_a_gaps_parts_leaves_no_overlap() -> None:
    gaps = [gap(1, 10), gap(6, 8, "repaired"), gap(9, 10)]
    found = combine(position(0, 20), {}, gaps, {}, 5)
    assert [(g.from_id, g.to_id) for g in found.open_gaps] == [(1, 5), (9, 10)]
    assert found.symbols["S"].holes == [(1, 5), (9, 10)]
    assert [(g.from_id, g.to_id) for g in found.unrecorded] == [(1, 5)]


def test_ids_that_the_exchange_has_not_are_no_holes() -> None:
    found = combine(
        position(1, 10), {"S": IdRanges([(13, 13)])}, [gap(11, 12, "unrepairable")], {}, 5
    )
    assert not found.open_gaps and not found.symbols["S"].holes


def test_without_a_position_the_tail_is_all_there_is() -> None:
    found = combine(None, {"S": IdRanges([(3, 4), (6, 6)])}, [], {}, 5)
    known = found.symbols["S"]
    assert (known.first_id, known.last_id, known.holes) == (3, 6, [(5, 5)])


def test_trades_of_another_time_do_not_reach_down() -> None:
    found = combine(position(1000, 1010), {"S": IdRanges([(1, 5), (1011, 1012)])}, [], {}, 5)
    known = found.symbols["S"]
    assert (known.first_id, known.last_id, known.holes) == (1000, 1012, [])


@given(st.integers(0, 2**32))
def test_holes_are_what_kafka_has_not(seed: int) -> None:
    """A producer that is killed at any moment: its log, its position, its records of gaps."""
    rng = Random(seed)
    log = [1]
    gaps: list[GapMessage] = []
    mark: tuple[int, int] | None = None  # position: last id, offset
    agg_id = 1
    for _ in range(rng.randrange(1, 60)):
        if rng.random() < 0.15:
            width = rng.randrange(1, 5)
            gaps.append(gap(agg_id + 1, agg_id + width))
            agg_id += width
        elif gaps and rng.random() < 0.2:  # a repair that came late and is not on record yet
            log.append(rng.choice(range(gaps[-1].from_id, gaps[-1].to_id + 1)))
            continue
        agg_id += 1
        log.append(agg_id)
        if rng.random() < 0.2:
            mark = (agg_id, len(log))
    first = min(log)
    tail = {"S": IdRanges.from_ids(log[mark[1] :] if mark else log)}
    found = combine(position(first, mark[0]) if mark else None, tail, gaps, {}, 5)
    known = found.symbols["S"]
    assert known.last_id == max(log)
    missing = {i for g in gaps for i in range(g.from_id, g.to_id + 1) if i <= max(log)}
    assert known.holes == list(IdRanges.from_ids(missing - set(log[mark[1] :] if mark else log)))
