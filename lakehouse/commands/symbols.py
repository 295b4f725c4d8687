"""`firehose symbols`: what a running producer follows, and more or less of it without a stop."""

import json
import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lakehouse import symbol_spec
from lakehouse.commands import DataDir, Format, console, settings_for
from lakehouse.errors import SettingsError
from lakehouse.pipeline.control import ProducerControl


class Action(StrEnum):
    """What to do."""

    show = "list"
    add = "add"
    remove = "remove"


What = Annotated[Action, typer.Argument(help="list, add or remove.", show_default=False)]
Names = Annotated[list[str] | None, typer.Argument(metavar="SYMBOL", show_default=False)]
Url = Annotated[str | None, typer.Option(help="Of the producer; default: the data folder's.")]
HowPrinted = Annotated[Format, typer.Option("--format", help="table, or json for scripts.")]


def symbols(
    action: What,
    names: Names = None,
    url: Url = None,
    fmt: HowPrinted = Format.table,
    data_dir: DataDir = None,
) -> None:
    """List, add or remove the symbols of the running producer.

    Changes go before SYMBOLS, and those of a producer of `firehose run` survive its restarts.
    """
    given = [name.strip().upper() for name in names or []]
    _check(action, given, fmt)
    producer = ProducerControl.find(settings_for(data_dir), url)
    out = console(sys.stdout)
    if action is Action.show:
        found = producer.symbols()
        if fmt is Format.table:
            out.print(_table(found["symbols"], producer.status().get("last_ids", {})))
    elif action is Action.add:
        found = producer.change(given, [])
    else:
        found = producer.change([], given)
    if fmt is Format.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        _sum_up(found, out)


def _check(action: Action, given: list[str], fmt: Format) -> None:
    if fmt is Format.csv:
        raise SettingsError("Symbols are printed as a table or as JSON.", "Use --format json.")
    if action is Action.show and given:
        raise SettingsError(f"What is {given[0]} for?", "`list` takes no symbols.")
    if action is not Action.show and not given:
        raise SettingsError(
            f"Which symbols are to {action.value}?",
            f"For example: firehose symbols {action.value} SOLUSDT",
        )


def _table(followed: list[str], last_ids: Mapping[str, int]) -> Table:
    table = Table("symbol")
    table.add_column("last id", justify="right")
    for name in followed:
        table.add_row(Text(name), str(last_ids.get(name, "")))
    return table


def _sum_up(found: Mapping[str, Any], out: Console) -> None:
    count = len(found["symbols"])
    parts = [f"SYMBOLS is {symbol_spec.in_words(found['setting'])}"]
    parts += [f"{word}: {', '.join(found[word])}" for word in ("added", "removed") if found[word]]
    _say(out, f"{count:,} symbol{'s' * (count != 1)} followed; {'; '.join(parts)}.")
    if (found["added"] or found["removed"]) and not found["kept_over_restarts"]:
        _say(out, "What was changed lasts until the producer ends: it has no --symbols-file.")


def _say(out: Console, text: str) -> None:
    out.print(Text(text), highlight=False, soft_wrap=True)
