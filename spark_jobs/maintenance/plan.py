"""What maintenance does, decided from what tables and checkpoints say. Pure.

Hours are counted from 1970 UTC, times of snapshots in milliseconds.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from lakehouse.id_ranges import IdRanges, Pair
from spark_jobs.sinks import BATCH, QUERY

# An hour with so many files is compacted; one or two are as good as it gets.
LEAST_FILES: Final = 3
# One call to Iceberg takes so many hours: its commits come early, and a stop waits for little.
_MOST_HOURS: Final = 24
_MOST_MANIFESTS: Final = 20
# Spark's id of a query; commands and failed tries have ids of other forms, and none looks for them.
_OF_STREAM: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Snapshot:
    """What is to be known of a snapshot; `sequence` is its place in the table's history."""

    id: int
    sequence: int
    at_ms: int
    query: str | None = None
    batch: int = 0

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> "Snapshot":
        """From a table's metadata as JSON."""
        summary = told.get("summary", {})
        return cls(
            int(told["snapshot-id"]),
            int(told.get("sequence-number", 0)),
            int(told["timestamp-ms"]),
            summary.get(QUERY),
            int(summary.get(BATCH) or 0),
        )


@dataclass(frozen=True)
class Position:
    """Where a stream goes on in the table that it reads: the last snapshot it has come to.

    `snapshot` is None where it has read nothing, or nobody can tell: `why` then says so.
    """

    snapshot: int | None
    why: str = ""


def hours_to_compact(files: Mapping[int, int], now_hour: int) -> list[Pair]:
    """Runs of hours (first, last) with many files, before the newest that has any.

    `files` counts them by hour. The hour that is now is left alone as well, should a row claim to
    be of the future.
    """
    end = min(max(files, default=0), now_hour)
    many = [hour for hour, count in files.items() if count >= LEAST_FILES and hour < end]
    return [pair for first, last in IdRanges.from_ids(many) for pair in _cut(first, last)]


def fullest(files: Mapping[int, int]) -> int:
    """The most files that an hour has, the newest hour left out."""
    newest = max(files, default=0)
    return max((count for hour, count in files.items() if hour < newest), default=0)


def worth_merging(manifests: int) -> bool:
    """Whether so many manifests are made fewer."""
    return manifests >= _MOST_MANIFESTS


def expirable(
    snapshots: Iterable[Snapshot],
    named: Collection[int],
    position: Position | None,
    before_ms: int,
) -> list[int]:
    """The snapshots that nobody needs, the oldest first.

    A snapshot is old once the one after it was made before `before_ms`. What stays however old it
    is: the newest one; those with a name (`named`: tags and heads of branches); the newest of each
    stream that wrote here, by which it knows after a crash what it has committed; and from the
    last but one that the reading stream has come to, all. Without a `position` no stream reads
    the table; one that can't be told keeps all.
    """
    ordered = sorted(snapshots, key=lambda each: each.sequence)
    kept = {*named, *(each.id for each in _last_of_streams(ordered))}
    read = list(pairwise(ordered))[: _unread(ordered, position)]
    return [each.id for each, after in read if after.at_ms < before_ms and each.id not in kept]


def _unread(ordered: Sequence[Snapshot], position: Position | None) -> int:
    """The place of the first snapshot that the reading stream needs."""
    if position is None:
        return len(ordered)
    places = [place for place, each in enumerate(ordered) if each.id == position.snapshot]
    # One more: where a snapshot was read in part, checks and rebuilds look at the one before.
    return max(0, places[0] - 1) if places else 0


def _last_of_streams(ordered: Iterable[Snapshot]) -> Iterable[Snapshot]:
    """Of each query the snapshot that its newest batch made."""
    last: dict[str, Snapshot] = {}
    for each in ordered:
        if each.query is not None and _OF_STREAM.fullmatch(each.query):
            last[each.query] = each
    return last.values()


def _cut(first: int, last: int) -> list[Pair]:
    return [
        (start, min(start + _MOST_HOURS - 1, last)) for start in range(first, last + 1, _MOST_HOURS)
    ]
