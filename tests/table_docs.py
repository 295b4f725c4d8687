"""docs/tables.md is made from the tables' own statements: `python -m tests.table_docs` writes it.

The columns that it reads are also those of the small lakes in tests/lakes.py.
"""

import re
from pathlib import Path
from typing import NamedTuple

from lakehouse import tables

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "tables.md"
_COLUMN = re.compile(r"^  (\w+) +(\S+) +COMMENT '((?:[^']|'')*)',?$")
_INTRO = """\
# The tables

All of them are Iceberg tables in `lake.market`, filled by the streams; checks add to `ops_audit`,
and the API and `firehose pulse` put into `ops_summary` what was told to people. This page is made
from `sql/<table>/table.sql` (`.venv/bin/python -m tests.table_docs`), and a test holds it equal.

| table | what a row is |
|---|---|
"""
_OUTRO = """
Times are UTC. Prices and amounts are exact: as sent in Bronze and quarantine, decimals in Silver
and Gold. How the tables come about: [architecture.md](architecture.md). What the columns of Gold
mean to the last digit: [gold.md](gold.md). Why a row is in quarantine: [quality.md](quality.md).
"""


class Column(NamedTuple):
    """A column as `table.sql` declares it, types in upper case: DECIMAL(28,8)."""

    name: str
    type: str
    comment: str


def columns(table: str) -> list[Column]:
    """The columns of a table in their order; ValueError for a line that declares none."""
    body = tables.ddl(table).split("(\n", 1)[1].split("\n)", 1)[0]
    return [_column(line) for line in body.splitlines()]


def purpose(table: str) -> str:
    """The comment of the table itself."""
    return _after(table, r"^COMMENT '([^']*)'$")


def partitions(table: str) -> str | None:
    """What the table is partitioned by, hours(event_ts); None where it is not."""
    found = re.search(r"^PARTITIONED BY \((.*)\)$", tables.ddl(table), flags=re.MULTILINE)
    return found[1] if found else None


def render() -> str:
    """The whole of docs/tables.md."""
    overview = "".join(f"| [`{name}`](#{name}) | {purpose(name)} |\n" for name in tables.ALL)
    return _INTRO + overview + _OUTRO + "".join(_section(name) for name in tables.ALL)


def _column(line: str) -> Column:
    match = _COLUMN.match(line)
    if match is None:
        raise ValueError(f"not a column with a type and a comment: {line}")
    return Column(match[1], match[2], match[3].replace("''", "'"))


def _after(table: str, pattern: str) -> str:
    match = re.search(pattern, tables.ddl(table), flags=re.MULTILINE)
    if match is None:
        raise ValueError(f"sql/{table}/table.sql has no {pattern}")
    return match[1]


def _section(table: str) -> str:
    parted = f"Partitioned by `{by}`" if (by := partitions(table)) else "Not partitioned"
    head = f"\n## {table}\n{purpose(table)}. {parted}.\n\n"
    lines = (f"| `{name}` | `{kind}` | {comment} |\n" for name, kind, comment in columns(table))
    return head + "| column | type | meaning |\n|---|---|---|\n" + "".join(lines)


if __name__ == "__main__":
    DOCUMENT.write_text(render(), encoding="utf-8")
