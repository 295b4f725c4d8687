"""`firehose api`: the lake over HTTP, without Spark."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from lakehouse import logs
from lakehouse.commands import DataDir, settings_for
from lakehouse.settings import Settings

ReadyFile = Annotated[
    Path | None, typer.Option("--ready-file", help="Written once the API listens: url, port, pid.")
]
WithoutKey = Annotated[
    bool, typer.Option("--without-key", help="Listen beyond this machine though API_KEY is empty.")
]


def api(
    data_dir: DataDir = None, ready_file: ReadyFile = None, without_key: WithoutKey = False
) -> None:
    """Serve the lake over HTTP until Ctrl-C: pulse, minutes, spikes, audit, gaps, health.

    Listens on API_HOST and API_PORT; tells its address on stdout as one line of JSON.
    """
    # Imported here because it takes a second, which the other commands need not pay.
    from lakehouse.api.server import serve

    settings = settings_for(data_dir)
    _begin_logs(settings)
    serve(settings, ready_file, without_key)


def _begin_logs(settings: Settings) -> None:
    level = logging.getLevelNamesMapping()[settings.log_level]
    logs.to_stderr(level)
    logging.basicConfig(level=max(level, logging.WARNING), stream=sys.stderr)
