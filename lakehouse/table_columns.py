"""The columns of a table as its `sql/<table>/table.sql` declares them. Pure."""

import re
from typing import Final, NamedTuple

from lakehouse import tables

_COLUMN: Final = re.compile(r"^  (\w+) +(\S+) +COMMENT '((?:[^']|'')*)',?$")


class Column(NamedTuple):
    """A column, its type in upper case: DECIMAL(28,8)."""

    name: str
    type: str
    comment: str


def columns(table: str) -> list[Column]:
    """The columns of a table in their order; ValueError for a line that declares none."""
    body = tables.ddl(table).split("(\n", 1)[1].split("\n)", 1)[0]
    return [_column(line) for line in body.splitlines()]


def _column(line: str) -> Column:
    match = _COLUMN.match(line)
    if match is None:
        raise ValueError(f"not a column with a type and a comment: {line}")
    return Column(match[1], match[2], match[3].replace("''", "'"))
