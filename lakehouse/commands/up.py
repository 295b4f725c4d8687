"""`firehose up`: the stack of `make up` without Docker, every part as a process."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from lakehouse.commands import DataDir, console, settings_for
from lakehouse.commands.run import Rate, Simulate, watched
from lakehouse.pipeline import up_file
from lakehouse.pipeline.feed import Feed
from lakehouse.settings import Settings
from lakehouse.stack import address
from lakehouse.stack.address import Address

WithN8n = Annotated[bool, typer.Option("--n8n", help="n8n as well (2.6 GB, installed once).")]


def up(
    simulate: Simulate = False,
    rate: Rate = 100.0,
    with_n8n: WithN8n = False,
    data_dir: DataDir = None,
) -> None:
    """Start broker, S3, REST catalog, producer, streams and API until Ctrl-C; tell where they are.

    Without Docker: `make up` is the same in containers. The lake lies on S3, in the data folder.
    """
    from lakehouse.pipeline.beside import Beside

    settings = settings_for(data_dir)
    feed = Feed(symbols=settings.symbols, rate=rate) if simulate else None
    out = console(sys.stdout)
    watched(
        settings,
        feed,
        False,
        out,
        lambda view: Beside(view.say, lambda found: _show(out, settings, found), with_n8n),
    )


def _show(out: Console, settings: Settings, found: Sequence[Address]) -> None:
    out.print(address.table(found))
    where = up_file.path_of(settings)
    told = f"All parts are healthy. For other commands: set -a; . {where}. Ctrl-C ends all."
    out.print(Text(told), soft_wrap=True)
