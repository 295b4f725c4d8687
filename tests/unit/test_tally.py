"""A batch added up from its blocks."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from lakehouse.id_ranges import IdRanges
from spark_jobs import tally
from tests.unit.test_bitmaps import signed

KEY = ("binance", "BTCUSDT")


def blocks(ids: Iterable[int]) -> list[dict[str, object]]:
    """As transforms.silver.blocks gives them for valid rows with these ids; ingested at 5 + id."""
    grouped: dict[int, list[int]] = {}
    for number in ids:
        grouped.setdefault(number // 64, []).append(number)
    return [
        {
            "bad": False, "exchange": KEY[0], "symbol": KEY[1], "block": block, "rows": len(found),
            "bits": signed({number % 64 for number in found}), "late": 1, "newest": max(found),
            "oldest_ingest": 5 + min(found),
        }
        for block, found in grouped.items()
    ]  # fmt: skip


BAD: dict[str, object] = {
    "bad": True, "exchange": None, "symbol": None, "block": None, "rows": 3, "bits": 1, "late": 3,
    "newest": 10**9, "oldest_ingest": 2,
}  # fmt: skip


@given(st.lists(st.integers(0, 300), min_size=1), st.sets(st.integers(0, 300)))
def test_what_is_new_and_whether_anything_stands_twice(ids: list[int], known: set[int]) -> None:
    found = tally.add_up([*reversed(blocks(ids)), BAD])
    assert (found.rows, found.failed, found.newest) == (len(ids) + 3, 3, max(ids))
    assert found.late == len(blocks(ids))
    assert found.oldest_ingest == 2
    assert found.repeated == (len(set(ids)) < len(ids))
    assert found.distinct() == len(set(ids))
    assert found.bounds() == {KEY: (min(ids), max(ids))}
    unknown = found.unknown(lambda line: IdRanges.from_ids(known) if line == KEY else IdRanges())
    new = set(ids) - known
    assert unknown == ({KEY: list(IdRanges.from_ids(new))} if new else {})
    assert tally.numbers(unknown) == len(new)


def test_a_batch_of_bad_rows_alone() -> None:
    found = tally.add_up([BAD])
    assert (found.rows, found.failed, found.late, found.newest) == (3, 3, 0, 0)
    assert found.unknown(lambda line: IdRanges()) == {} == found.bounds()
