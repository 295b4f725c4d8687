"""`firehose doctor`: what is missing here or wrong in the settings, and how to mend it."""

from collections.abc import Sequence

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lakehouse.commands import DataDir
from lakehouse.doctor import Check, examine


def doctor(data_dir: DataDir = None) -> None:
    """Look at Java, memory, jars, disk, settings, servers and the lake. Nothing is changed.

    Exit code 1 where something is wrong that every run needs.
    """
    found = examine() if data_dir is None else examine(data_dir=data_dir)
    out = Console()
    out.print(_table(found))
    wrong = [check.name for check in found if check.required and not check.ok]
    if wrong:
        out.print(Text(f"To mend before a run: {', '.join(wrong)}.", style="bold red"))
        raise typer.Exit(1)
    out.print(Text("All that a run needs is there.", style="bold green"))


def _table(found: Sequence[Check]) -> Table:
    table = Table("", "what", "found", box=None, header_style="dim")
    for check in found:
        style, word = _verdict(check)
        detail = f"{check.detail}\n{check.hint}" if check.hint else check.detail
        table.add_row(Text(word, style=style), Text(check.name), Text(detail, overflow="fold"))
    return table


def _verdict(check: Check) -> tuple[str, str]:
    if check.ok:
        return "green", "ok"
    return ("bold red", "wrong") if check.required else ("yellow", "note")
