"""Which message of a gap holds, by its place in Kafka."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from lakehouse.gaps import GapMessage
from spark_jobs.gaps import Key, Place, Record, judge, news

# Offsets by key: ten messages about at most three gaps, in one partition.
LOGS = st.lists(st.sampled_from([1, 10, 20]), min_size=1, max_size=10)


def records(log: Sequence[int]) -> list[Record]:
    return [record(Place("t", 0, offset, 0), from_id) for offset, from_id in enumerate(log)]


def record(place: Place, from_id: int) -> Record:
    value = GapMessage(
        exchange="binance", symbol="BTCUSDT", from_id=from_id, to_id=99, status="open",
        detected_at=place.offset,
    ).value()  # fmt: skip
    return Record(place, value, len(value))


@given(st.data(), LOGS)
def test_however_batches_are_cut_and_repeated_the_last_message_holds(
    data: st.DataObject, log: list[int]
) -> None:
    written = records(log)
    standing: dict[Key, Place] = {}
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(written)))
        part = data.draw(st.permutations(written[start:]))
        standing |= _applied(part, standing)
    standing |= _applied(written, standing)
    assert standing == {
        ("binance", "BTCUSDT", from_id): Place("t", 0, offset, 0)
        for offset, from_id in enumerate(log)
    }
    assert _applied(written, standing) == {}


def _applied(part: Sequence[Record], standing: dict[Key, Place]) -> dict[Key, Place]:
    judged = judge(part)
    assert not judged.rejected
    found = news(judged.newest, standing)
    return {(gap.exchange, gap.symbol, gap.from_id): place for place, gap in found}


def test_between_partitions_and_topics_the_time_decides() -> None:
    first = Place("t", 0, 50, at=1000)
    assert Place("t", 1, 3, at=2000).after(first)
    assert Place("t2", 0, 3, at=2000).after(first)
    assert not Place("t", 1, 99, at=500).after(first)
    # Within one it does not: clocks jump, offsets don't.
    assert Place("t", 0, 51, at=500).after(first)
    assert not first.after(first)


def test_a_record_is_a_message_a_tombstone_or_rejected() -> None:
    place = Place("t", 0, 7, 0)
    tombstone, cut = Record(place, None, None), Record(place, None, 20_000)
    judged = judge([tombstone, cut, Record(place, b"{}", 2)])
    assert judged.newest == {}
    assert [(each.reason, each.detail) for each in judged.rejected] == [
        ("gap_unreadable", "too_long"),
        ("gap_unreadable", "contract_broken:exchange"),
    ]
