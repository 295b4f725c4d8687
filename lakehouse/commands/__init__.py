"""The commands of `firehose`, one module each; lakehouse/cli.py registers them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console

from lakehouse import settings
from lakehouse.settings import Settings


class Format(StrEnum):
    """How a command prints its result."""

    table = "table"
    csv = "csv"
    json = "json"


DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help="Folder of the embedded stack's state.", show_default="DATA_DIR"
    ),
]


def settings_for(data_dir: Path | None) -> Settings:
    """The settings of this command: the environment's, with `--data-dir` before DATA_DIR."""
    return settings.load() if data_dir is None else settings.load(data_dir=data_dir)


def console(out: TextIO) -> Console:
    """`out` for people; wide where nobody's terminal limits it, so that no value is cut."""
    found = Console(file=out)
    return found if found.is_terminal else Console(file=out, width=2000)
