"""Which records of quarantine are meant, and what a release did with them. Pure.

A selection is one condition in SQL that DuckDB and Spark both understand (they differ in how a
bound value is marked), so that what `list` counts is what `release` takes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Final, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from lakehouse.errors import SettingsError

DUCKDB_MARK: Final = "$"
SPARK_MARK: Final = ":"
_MOST_OFFSET: Final = 2**63 - 1


class Condition(NamedTuple):
    """A WHERE clause's text, and the values that are bound in it by name."""

    text: str
    values: dict[str, object]


class Selection(BaseModel):
    """What must hold of a record; what is left empty is not asked. Times are of `quarantined_at`.

    `since` is included, `until` is not. `offsets` are closed ranges. `released` None: both kinds.
    """

    model_config = ConfigDict(frozen=True)

    reasons: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    topic: str | None = None
    partition: int | None = None
    offsets: tuple[tuple[int, int], ...] = ()
    released: bool | None = False

    def condition(self, mark: str) -> Condition:
        """The condition on columns of crypto_quarantine; `mark` stands before a value's name."""
        terms, values = ["true"], dict[str, object]()
        for term, bound in self._terms(mark):
            terms.append(f"({term})")
            values |= bound
        return Condition(" AND ".join(terms), values)

    def _terms(self, mark: str) -> Iterator[tuple[str, dict[str, object]]]:
        if self.released is not None:
            yield f"released_at IS {'NOT ' if self.released else ''}NULL", {}
        if named := {f"reason_{n}": name for n, name in enumerate(self.reasons)}:
            yield " OR ".join(f"array_contains(reasons, {mark}{key})" for key in named), {**named}
        if named := {f"symbol_{n}": name for n, name in enumerate(self.symbols)}:
            yield f"symbol IN ({', '.join(mark + key for key in named)})", {**named}
        if self.since is not None:
            yield f"quarantined_at >= {mark}since", {"since": self.since}
        if self.until is not None:
            yield f"quarantined_at < {mark}until", {"until": self.until}
        yield from self._place(mark)

    def _place(self, mark: str) -> Iterator[tuple[str, dict[str, object]]]:
        if self.topic is not None:
            yield f"kafka_topic = {mark}topic", {"topic": self.topic}
        if self.partition is not None:
            yield f"kafka_partition = {mark}partition", {"partition": self.partition}
        bound: dict[str, object] = {}
        for n, (first, last) in enumerate(self.offsets):
            bound |= {f"first_{n}": first, f"last_{n}": last}
        ranges = range(len(self.offsets))
        if bound:
            between = (f"kafka_offset BETWEEN {mark}first_{n} AND {mark}last_{n}" for n in ranges)
            yield " OR ".join(between), bound


class Released(BaseModel):
    """What a release found and did, in records; with `done` false, what it would do."""

    model_config = ConfigDict(frozen=True)

    done: bool
    selected: Annotated[int, Field(description="records that were meant")] = 0
    judged: Annotated[int, Field(description="those of trades: fresh + known + failing")] = 0
    fresh: Annotated[int, Field(description="keep every rule and are new in Silver")] = 0
    known: Annotated[int, Field(description="keep every rule; Silver has their ids already")] = 0
    failing: Annotated[int, Field(description="still break a rule")] = 0
    failing_by_rule: dict[str, int] = {}
    of_gaps: Annotated[int, Field(description="of the gap topic: no trades")] = 0


def instant(text: str | None, option: str) -> datetime | None:
    """A point in time as a user writes it: ISO 8601, UTC where it has no offset."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            f"{option} {text} is no time.", "Write 2026-08-09, or 2026-08-09T14:30 (UTC)."
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def offsets(words: str) -> tuple[int, int]:
    """`17` or `17-40`, both ends included, as a closed range."""
    first, dash, last = words.partition("-")
    try:
        found = int(first), int(last if dash else first)
    except ValueError:
        found = (1, 0)
    if not 0 <= found[0] <= found[1] <= _MOST_OFFSET:
        raise SettingsError(f"--offset {words} is no offset.", "Write 17, or 17-40.")
    return found
