"""`firehose sql`: one query on the lake, printed as a table, CSV or JSON."""

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Literal, TextIO

import pyarrow as pa
import typer
from rich.table import Table
from rich.text import Text

from lakehouse.commands import DataDir, Format, console, settings_for
from lakehouse.errors import SettingsError
from lakehouse.query import Lake, Result
from lakehouse.raw_view import printable
from lakehouse.values import Json, plain, text

TABLE_ROWS = 50
_NUMBER = re.compile(r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL\(.*\)|DOUBLE|FLOAT)$")

Query = Annotated[str, typer.Argument(help="One SELECT on lake.market.<table>, in DuckDB's SQL.")]
HowPrinted = Annotated[Format, typer.Option("--format", help="How the rows are printed.")]


def sql(query: Query, fmt: HowPrinted = Format.table, data_dir: DataDir = None) -> None:
    """Run one query on the lake and print its rows.

    In JSON (a list of objects) and CSV decimals are exact strings, times ISO 8601 in UTC, binary
    is base64. Sums of decimals are exact; avg() and / of DuckDB give floating point.
    """
    with Lake(settings_for(data_dir)) as lake:
        PRINTERS[fmt](_named_apart(lake.stream(query)), sys.stdout)


def write_json(result: Result, out: TextIO) -> None:
    """The rows as one JSON list, an object a line, without holding more than a batch."""
    names, separator = result.schema.names, "[\n"
    for row in _plain_rows(result):
        out.write(separator + json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False))
        separator = ",\n"
    out.write("[]\n" if separator == "[\n" else "\n]\n")


def write_csv(result: Result, out: TextIO) -> None:
    """The rows under a header; null is an empty cell, lists are JSON."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(result.schema.names)
    writer.writerows([text(value) for value in row] for row in _plain_rows(result))


def write_table(result: Result, out: TextIO, most: int = TABLE_ROWS) -> None:
    """The first `most` rows for people, and how many more there are."""
    table, count = Table(), 0
    for name, kind in zip(result.schema.names, result.types, strict=True):
        side: Literal["left", "right"] = "right" if _NUMBER.match(kind) else "left"
        table.add_column(Text(name), justify=side, overflow="fold")
    for count, row in enumerate(_plain_rows(result), start=1):
        if count <= most:
            table.add_row(*(Text(printable(text(value))) for value in row))
    shown = console(out)
    shown.print(table)
    if count > most:
        shown.print(f"… and {count - most:,} more rows; --format csv prints them all.")


PRINTERS = {Format.json: write_json, Format.csv: write_csv, Format.table: write_table}


def _plain_rows(result: Result) -> Iterator[tuple[Json, ...]]:
    for batch in result:
        columns = (
            [plain(value, kind) for value in _values(column)]
            for column, kind in zip(batch.columns, result.types, strict=True)
        )
        yield from zip(*columns, strict=True)


def _values(column: pa.Array) -> list[object]:
    # Python's datetime has no nanoseconds: Arrow writes those as text itself.
    nanoseconds = pa.types.is_timestamp(column.type) and column.type.unit == "ns"
    return list((column.cast(pa.string()) if nanoseconds else column).to_pylist())


def _named_apart(result: Result) -> Result:
    twice = [name for name, count in Counter(result.schema.names).items() if count > 1]
    if twice:
        raise SettingsError(
            f"The result has more than one column {twice[0]}.", "Name each one with AS."
        )
    return result
