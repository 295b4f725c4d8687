"""The API as a process: listens, tells where, and ends cleanly on SIGTERM or SIGINT."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import orjson
import uvicorn
from fastapi import FastAPI

from lakehouse.api.app import create_app
from lakehouse.api.refresher import Refresher
from lakehouse.errors import ResourceError, SettingsError
from lakehouse.loopback import is_loopback
from lakehouse.ready_file import write as write_ready_file
from lakehouse.settings import Settings

_GRACE_SECONDS: Final = 5
# The refresher computes for tens of milliseconds at a time; with Python's default of 5 ms a
# request would wait that long for each of its steps.
_SWITCH_SECONDS: Final = 0.0005


def serve(settings: Settings, ready_file: Path | None = None, without_key: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; where it listens is told on stdout as one line of JSON.

    SettingsError for an address beyond this machine without API_KEY, unless `without_key`;
    ResourceError where the address can't be listened on.
    """
    _require_key(settings, without_key)
    listening = _listen(settings.api_host, settings.api_port)
    refresher = Refresher(settings)
    sys.setswitchinterval(_SWITCH_SECONDS)
    refresher.start()
    try:
        app = create_app(settings, refresher)
        # What was imported stays: the collector of cycles, which stops everything, skips it.
        gc.collect()
        gc.freeze()
        server = _Server(_config(app), lambda: _tell(listening, ready_file))
        asyncio.run(server.until_stopped(listening))
    finally:
        refresher.stop()
        listening.close()


def _require_key(settings: Settings, without_key: bool) -> None:
    if without_key or settings.api_key.get_secret_value() or is_loopback(settings.api_host):
        return
    raise SettingsError(
        f"API_HOST {settings.api_host} lets others in, and there is no API_KEY.",
        "Set API_KEY, or say --without-key if everybody who reaches it may read.",
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        raise ResourceError(
            f"{host}:{port} (API_HOST, API_PORT) can't be listened on: {error.strerror}.",
            "Choose another port with API_PORT; 0 takes any free one.",
        ) from None
    return listening


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="asyncio",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


class _Server(uvicorn.Server):
    """uvicorn's, which says when it is up and leaves the signals to us."""

    def __init__(self, config: uvicorn.Config, up: Callable[[], None]) -> None:
        super().__init__(config)
        self._up = up

    async def until_stopped(self, listening: socket.socket) -> None:
        """Serve until a signal asks to stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop)
        await self.serve([listening])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's; tells once it listens."""
        await super().startup(sockets)
        if self.started:
            self._up()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: uvicorn would end the process by the signal once more when all is done."""
        yield

    def _stop(self) -> None:
        self.should_exit = True


def _tell(listening: socket.socket, ready_file: Path | None) -> None:
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    told = {"url": f"http://{shown}:{port}", "port": port, "pid": os.getpid()}
    print(orjson.dumps(told).decode(), flush=True)
    write_ready_file(ready_file, told)
