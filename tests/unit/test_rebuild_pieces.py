"""Spans of hours from what a person writes, and the pieces they are cut into."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse import spans
from lakehouse.errors import SettingsError
from lakehouse.spans import Span
from spark_jobs.rebuild_pieces import Hours, cut

# 2024-08-09 14:00 UTC.
AT = 478_670


@pytest.mark.parametrize(
    ("start", "end", "first", "last", "rounded"),
    [
        ("2024-08-09", "2024-08-10", AT - 14, AT + 10, False),
        ("2024-08-09T14:00Z", "2024-08-09T15:00:00+00:00", AT, AT + 1, False),
        ("2024-08-09T16:00+02:00", None, AT, None, False),
        (None, "2024-08-09T14:00:00.000001Z", None, AT + 1, True),
        ("2024-08-09T14:59:59Z", "2024-08-09T15:00:01Z", AT, AT + 2, True),
        ("2024-08-09T14:20Z", "2024-08-09T14:40Z", AT, AT + 1, True),
        (None, None, None, None, False),
    ],
)
def test_a_span_is_whole_hours(
    start: str | None, end: str | None, first: int | None, last: int | None, rounded: bool
) -> None:
    found = spans.read(start, end)
    assert found.span == Span(first, last)
    assert found.rounded is rounded


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2024-08-09T14:00", None),
        ("yesterday", None),
        ("", None),
        ("2024-08-10", "2024-08-09"),
        ("2024-08-09", "2024-08-09"),
        (None, "2024-13-01"),
    ],
)
def test_what_is_no_span_is_refused_with_a_way_out(start: str | None, end: str | None) -> None:
    with pytest.raises(SettingsError) as caught:
        spans.read(start, end)
    assert caught.value.hint


@given(
    rows=st.dictionaries(st.integers(0, 100), st.integers(0, 50), max_size=60),
    most_rows=st.integers(1, 120),
    most_hours=st.integers(1, 10),
)
def test_pieces_hold_each_hour_once_in_order_and_within_bounds(
    rows: dict[int, int], most_rows: int, most_hours: int
) -> None:
    pieces = list(cut(rows, most_rows, most_hours))
    assert [hour for piece in pieces for hour in sorted(rows) if hour in piece] == sorted(rows)
    assert all(a.end <= b.first for a, b in pairwise(pieces))
    for piece in pieces:
        held = [rows[hour] for hour in rows if hour in piece]
        assert len(held) <= most_hours
        assert sum(held) <= most_rows or len(held) == 1


def test_an_hour_that_is_too_large_is_a_piece_of_its_own() -> None:
    assert list(cut({1: 5, 2: 100, 3: 5, 9: 5}, most_rows=10)) == [
        Hours(1, 2),
        Hours(2, 3),
        Hours(3, 10),
    ]
    assert str(Hours(AT, AT + 1)) == "2024-08-09 14:00Z – 2024-08-09 15:00Z"
