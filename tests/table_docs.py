"""docs/tables.md is made from the tables' own statements: `python -m tests.table_docs` writes it.

The columns that it reads are also those of the small lakes in tests/lakes.py.
"""

import re
from pathlib import Path

from lakehouse import tables
from lakehouse.table_columns import columns

__all__ = ["DOCUMENT", "columns", "partitions", "purpose", "render"]

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "tables.md"
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
