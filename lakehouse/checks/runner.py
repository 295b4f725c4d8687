"""Runs checks on one consistent look at the lake: which pass, which don't, and the rows why."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lakehouse import removed_rows, tables
from lakehouse.checks import progress
from lakehouse.checks.catalogue import FAIL, Check
from lakehouse.query import Lake
from lakehouse.rules import MEANING, OF_GAPS
from lakehouse.settings import Settings
from lakehouse.values import Json, plain, text

OK: Final = "ok"
WARNED: Final = "warn"
FAILED: Final = "failed"
MOST_EXAMPLES: Final = 3
BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
# A row may be received, and reach its table that much later, after a look has passed it by.
OVERLAP: Final = timedelta(minutes=15)


@dataclass(frozen=True)
class Bounds:
    """The values that checks are bound to; times are UTC.

    Rows that came since `since` are looked at: received, recorded or changed, by the table's own
    column. So a look costs what is new, however large the table is. `full` looks at all.
    """

    now: datetime
    since: datetime
    freshness_seconds: float
    watermark_minutes: int
    full: bool = False
    rules: tuple[str, ...] = tuple(MEANING)
    gap_rules: tuple[str, ...] = tuple(OF_GAPS)

    @classmethod
    def of(cls, settings: Settings, now: datetime, since: datetime | None) -> "Bounds":
        """The bounds of a look; `since` None for a full one."""
        return cls(
            now=now,
            since=since or BEGINNING,
            freshness_seconds=settings.freshness_seconds,
            watermark_minutes=settings.watermark_minutes,
            full=since is None,
        )

    def values(self, check: Check) -> dict[str, object]:
        """What the check's statement binds."""
        found = {name: getattr(self, name) for name in check.values}
        return {name: list(x) if isinstance(x, tuple) else x for name, x in found.items()}


@dataclass(frozen=True)
class Result:
    """What a check found: `rows` that offend, the first of them as `examples`."""

    check: Check
    status: str
    rows: int
    examples: tuple[dict[str, Json], ...]
    started_at: datetime
    finished_at: datetime
    milliseconds: int

    @property
    def passed(self) -> bool:
        """Whether no row offends."""
        return self.status == OK

    @property
    def reason(self) -> str:
        """Why it did not pass, in one line; empty where it passed."""
        if self.passed:
            return ""
        shown = "; ".join(in_words(example) for example in self.examples)
        more = "" if self.rows <= len(self.examples) else f"; … {self.rows:,} rows in all"
        return f"Expected: {self.check.meaning} Found: {shown}{more}"


@dataclass(frozen=True)
class Look:
    """One look at a lake. `left_out` tells for each check that could not be run, why."""

    results: tuple[Result, ...]
    left_out: tuple[tuple[Check, str], ...] = ()

    @property
    def failed(self) -> tuple[Result, ...]:
        """The broken promises."""
        return tuple(result for result in self.results if result.status == FAILED)

    @property
    def warned(self) -> tuple[Result, ...]:
        """What is worth a look."""
        return tuple(result for result in self.results if result.status == WARNED)


class Inspection:
    """A lake frozen at one moment, for checks; use it in `with`.

    Raises what `Lake` raises: SettingsError where there is none, UnreachableError where its
    catalog or files don't answer.
    """

    def __init__(self, settings: Settings) -> None:
        before = progress.positions(settings)  # before the tables: they may only be ahead of it
        self._lake = Lake(settings)
        try:
            self._settled = progress.settle(self._lake, before)
            removed_rows.keep(self._lake)
        except BaseException:
            self._lake.close()
            raise

    def __enter__(self) -> "Inspection":
        return self

    def __exit__(self, *_: object) -> None:
        self._lake.close()

    @property
    def lake(self) -> Lake:
        """The lake that is looked at."""
        return self._lake

    def knows(self, name: str) -> bool:
        """Whether the checkpoint behind `bronze_read` or `silver_read` could be read."""
        return name in self._settled

    def run(self, checks: Iterable[Check], bounds: Bounds) -> Look:
        """Run the checks that can be run here."""
        results, left_out = [], []
        for check in checks:
            if why := self._obstacle(check, bounds):
                left_out.append((check, why))
            else:
                results.append(self.result(check, bounds))
        return Look(tuple(results), tuple(left_out))

    def result(self, check: Check, bounds: Bounds) -> Result:
        """Run one check; errors are those of `Lake.query`."""
        started_at, began = datetime.now(UTC), time.perf_counter()
        rows = 0
        examples: list[dict[str, Json]] = []
        for batch in (found := self._lake.stream(check.sql, bounds.values(check))):
            rows += batch.num_rows
            if len(examples) < MOST_EXAMPLES:
                wanted = batch.slice(0, MOST_EXAMPLES - len(examples)).to_pylist()
                examples += [_plain(row, found.types) for row in wanted]
        return Result(
            check=check,
            status=_status(check, rows),
            rows=rows,
            examples=tuple(examples),
            started_at=started_at,
            finished_at=datetime.now(UTC),
            milliseconds=round((time.perf_counter() - began) * 1000),
        )

    def _obstacle(self, check: Check, bounds: Bounds) -> str:
        """Why the check can't be run here; empty where it can."""
        if check.full_only and not bounds.full:
            return "looked at with --full alone"
        absent = sorted(check.reads - {*self._lake.tables, *self._settled})
        if tables_absent := [name for name in absent if name in tables.ALL]:
            return f"the lake has no table {tables_absent[0]} yet"
        if absent:
            return "needs the checkpoint of its stream, which is not in CHECKPOINT_DIR here"
        return ""


def look(settings: Settings, checks: Iterable[Check], bounds: Bounds) -> Look:
    """One look at the lake with one window for all checks."""
    with Inspection(settings) as inspection:
        return inspection.run(checks, bounds)


def in_words(row: dict[str, Json]) -> str:
    """A row of examples: symbol=BTCUSDT, agg_id=7."""
    return ", ".join(f"{name}={text(value)}" for name, value in row.items())


def _status(check: Check, rows: int) -> str:
    if not rows:
        return OK
    return FAILED if check.level == FAIL else WARNED


def _plain(row: dict[str, Any], types: tuple[str, ...]) -> dict[str, Json]:
    return {
        name: plain(value, kind) for (name, value), kind in zip(row.items(), types, strict=True)
    }
