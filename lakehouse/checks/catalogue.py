"""The checks as they are written: one SELECT each, in sql/<table>/checks.sql. Pure but for that.

A check begins with three lines of comment and ends with `;` or the file:

    -- fail: silver_key_once
    -- Each (exchange, symbol, agg_id) is there once.
    -- do: what to do when it does not pass.
    SELECT the offending rows, in DuckDB's SQL: none means passed

`fail` is a broken promise, `warn` a thing to look at. A meaning that begins with `(full)` is
looked at with `--full` alone.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from lakehouse import tables
from lakehouse.errors import SettingsError

FAIL: Final = "fail"
WARN: Final = "warn"
# What a check may read beside the tables: lakehouse/checks/progress.py makes them.
PROGRESS: Final = "progress"
BRONZE_READ: Final = "bronze_read"
SILVER_READ: Final = "silver_read"
SETTLED: Final = (PROGRESS, BRONZE_READ, SILVER_READ)

_HEAD = re.compile(
    r"^-- (?P<level>fail|warn): (?P<name>[a-z][a-z0-9_]*)\n"
    r"-- (?P<full>\(full\) )?(?P<meaning>\S.*)\n-- do: (?P<do>\S.*)\n",
    re.MULTILINE,
)
_WORD = re.compile(r"\w+")
_VALUE = re.compile(r"\$(\w+)")


@dataclass(frozen=True)
class Check:
    """One check. `do` says what to do when it does not pass; `sql` returns the offending rows."""

    table: str
    name: str
    level: str
    meaning: str
    do: str
    sql: str
    full_only: bool = False

    @property
    def job(self) -> str:
        """Its name in ops_audit."""
        return f"{tables.CHECK}{self.table}.{self.name}"

    @property
    def reads(self) -> frozenset[str]:
        """The tables, and the names of SETTLED, that it looks at."""
        words = set(_WORD.findall(self.sql))
        return frozenset(words & {*tables.ALL, *SETTLED})

    @property
    def values(self) -> frozenset[str]:
        """The bound values that it takes: since, now, full, freshness_seconds, …"""
        return frozenset(_VALUE.findall(self.sql))

    @property
    def watches_the_clock(self) -> bool:
        """Whether it may turn without a new row, by the time alone."""
        return "now" in self.values

    @property
    def of_freshness(self) -> bool:
        """Whether it says that a layer is stale."""
        return "freshness_seconds" in self.values


def parse(table: str, text: str) -> tuple[Check, ...]:
    """The checks of one file; SettingsError where it does not begin with a check's head."""
    heads = list(_HEAD.finditer(text))
    if not heads or text[: heads[0].start()].strip():
        raise SettingsError(
            f"sql/{table}/checks.sql does not begin with a check.",
            "Write `-- fail: name`, what it means, `-- do: what to do`: docs/checks.md.",
        )
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return tuple(
        _check(table, head, text[head.end() : end]) for head, end in zip(heads, ends, strict=True)
    )


@cache
def all_checks() -> tuple[Check, ...]:
    """The checks of every table, in the order of the tables and of their files."""
    return tuple(
        check for table in tables.ALL for check in parse(table, tables.statement(table, "checks"))
    )


def chosen(names: Iterable[str]) -> tuple[Check, ...]:
    """The checks of these tables, or of these names; all of them for none. SettingsError else."""
    wanted = set(names)
    found = tuple(check for check in all_checks() if {check.table, check.name} & wanted)
    known = {name for check in all_checks() for name in (check.table, check.name)}
    if unknown := sorted(wanted - known):
        listed = ", ".join(dict.fromkeys(check.table for check in all_checks()))
        raise SettingsError(
            f"There is no table and no check {unknown[0]}.",
            f"Choose from {listed}, or a check of docs/checks.md.",
        )
    return found if wanted else all_checks()


def _check(table: str, head: re.Match[str], sql: str) -> Check:
    return Check(
        table=table,
        name=head["name"],
        level=head["level"],
        meaning=head["meaning"],
        do=head["do"],
        sql=sql.strip().removesuffix(";").rstrip(),
        full_only=head["full"] is not None,
    )
