"""Which hours are compacted, and which snapshots may go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.maintenance import STEPS, TABLES
from spark_jobs.maintenance import plan
from spark_jobs.maintenance.layouts import LAYOUTS
from spark_jobs.maintenance.plan import Position, Snapshot
from spark_jobs.maintenance.steps import WORK

A, B = "01234567-89ab-cdef-0123-456789abcdef", "11234567-89ab-cdef-0123-456789abcdef"
NOW = 1_000_000


def history(count: int, queries: dict[int, str] | None = None) -> list[Snapshot]:
    """Snapshots 0, 1, 2 … at 0, 10, 20 … ms."""
    return [Snapshot(n, n, n * 10, (queries or {}).get(n)) for n in range(count)]


@pytest.mark.parametrize(
    ("files", "now", "runs"),
    [
        ({}, 9, []),
        ({5: 900}, 9, []),
        ({3: 2, 4: 3, 5: 9}, 9, [(4, 4)]),
        ({1: 3, 2: 3, 4: 3, 5: 1}, 9, [(1, 2), (4, 4)]),
        ({1: 3, 2: 3, 99: 1}, 2, [(1, 1)]),
        (dict.fromkeys(range(50), 3), 99, [(0, 23), (24, 47), (48, 48)]),
    ],
)
def test_hours_with_many_files_before_the_newest(
    files: dict[int, int], now: int, runs: list[tuple[int, int]]
) -> None:
    assert plan.hours_to_compact(files, now) == runs


@pytest.mark.parametrize(
    ("position", "named", "before", "gone"),
    [
        (None, (), NOW, [0, 1, 2, 3, 4]),
        (None, (), 25, [0, 1]),
        (None, (0, 3), NOW, [1, 2, 4]),
        (Position(3), (), NOW, [0, 1]),
        (Position(0), (), NOW, []),
        (Position(5), (), NOW, [0, 1, 2, 3]),
        (Position(None, "no checkpoint"), (), NOW, []),
        (Position(77), (), NOW, []),
    ],
)
def test_snapshots_that_nobody_needs(
    position: Position | None, named: tuple[int, ...], before: int, gone: list[int]
) -> None:
    assert plan.expirable(history(6), named, position, before) == gone


def test_the_newest_of_each_stream_stays_and_of_commands_none() -> None:
    queries = {0: A, 1: A, 2: B, 3: "release-1", 4: "failed-2"}
    assert plan.expirable(history(6, queries), (), None, NOW) == [0, 3, 4]


@given(
    st.lists(st.sampled_from([A, B, "rebuild", None]), max_size=12),
    st.integers(0, 12),
    st.sets(st.integers(0, 11)),
    st.integers(0, 150),
)
def test_what_is_needed_stays_whatever_else_is_so(
    queries: list[str | None], read: int, named: set[int], before: int
) -> None:
    snapshots = [Snapshot(n, n, n * 10, query) for n, query in enumerate(queries)]
    gone = plan.expirable(snapshots, named, Position(read), before)
    assert not set(gone) & named
    assert not any(each >= read - 1 for each in gone)
    for query in (A, B):
        last = max((each.id for each in snapshots if each.query == query), default=None)
        assert last not in gone
    assert all(snapshots[each + 1].at_ms < before for each in gone)


def test_a_snapshot_is_read_from_a_table_s_metadata() -> None:
    told = {
        "snapshot-id": 7, "sequence-number": 3, "timestamp-ms": 5,
        "summary": {"operation": "append", "firehose.query-id": A},
    }  # fmt: skip
    assert Snapshot.read(told) == Snapshot(7, 3, 5, A)


def test_each_step_has_its_work_and_each_table_its_layout() -> None:
    assert tuple(WORK) == STEPS
    assert set(LAYOUTS) == set(TABLES)
