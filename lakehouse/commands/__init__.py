"""The commands of `firehose`, one module each; lakehouse/cli.py registers them."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.text import Text

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


def say(text: str) -> None:
    """A line of the result, for people; nothing in it is taken for markup."""
    _line(sys.stdout, text)


def progress(text: str) -> None:
    """How far the work has come; apart from the result."""
    _line(sys.stderr, text)


def _line(out: TextIO, text: str) -> None:
    console(out).print(Text(text), highlight=False, soft_wrap=True)


def console(out: TextIO) -> Console:
    """`out` for people; wide where nobody's terminal limits it, so that no value is cut."""
    found = Console(file=out)
    return found if found.is_terminal else Console(file=out, width=2000)
