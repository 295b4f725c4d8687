"""`firehose n8n`: n8n with the workflows of this project, without Docker."""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import orjson
import typer

from lakehouse import ready_file as ready_files
from lakehouse.commands import DataDir, progress, settings_for

Port = Annotated[
    int | None,
    typer.Option(
        "--port", min=1, max=65535, help="Of editor and webhooks.", show_default="N8N_PORT"
    ),
]
ReadyFile = Annotated[
    Path | None,
    typer.Option("--ready-file", help="Written once the webhook listens: url, webhook, port, pid."),
]
InstallOnly = Annotated[bool, typer.Option("--install-only", help="Install it, and no more.")]


def n8n(
    data_dir: DataDir = None,
    port: Port = None,
    ready_file: ReadyFile = None,
    install_only: InstallOnly = False,
) -> None:
    """Run n8n with the Market Pulse and the Spike Explainer until Ctrl-C.

    Installs n8n where it is missing (2.6 GB, once). Listens on 127.0.0.1; tells its address on
    stdout as one line of JSON.
    """
    from lakehouse.stack import n8n_install
    from lakehouse.stack.n8n import WEBHOOK_PATH, N8n

    settings = settings_for(data_dir)
    if install_only:
        n8n_install.ensure(settings, progress)
        return
    _end_on_signals()
    with N8n(settings, port or settings.n8n_port, progress) as running:
        webhook = f"{running.url}{WEBHOOK_PATH}"
        told = {"url": running.url, "webhook": webhook, "port": running.port, "pid": os.getpid()}
        print(orjson.dumps(told).decode(), flush=True)
        ready_files.write(ready_file, told)
        running.watch()


def _end_on_signals() -> None:
    def end(_number: int, _frame: FrameType | None) -> None:
        # A second signal must not cut the first one's cleaning up short.
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        sys.exit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
