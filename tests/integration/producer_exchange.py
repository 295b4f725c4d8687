"""A websocket server for the producer's tests: each connection plays the next script."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from websockets.asyncio.server import Server, ServerConnection, serve

STAY, CLOSE, ABORT, PAUSE = "stay", "close", "abort", "pause"
Script = Sequence[bytes | str]


def frame(agg_id: int, symbol: str = "BTCUSDT", **changes: Any) -> bytes:
    """A combined-stream aggTrade frame."""
    event = {
        "e": "aggTrade", "E": 1723161255343, "s": symbol, "a": agg_id, "p": "61837.63000000",
        "q": "0.02000000", "f": agg_id, "l": agg_id, "T": 1723161255342, "m": True, "M": True,
    }  # fmt: skip
    return orjson.dumps({"stream": f"{symbol.lower()}@aggTrade", "data": event | changes})


class Exchange:
    """Plays scripts: bytes are sent as text where they are UTF-8, PAUSE lets others run, and
    STAY/CLOSE/ABORT end one.
    """

    def __init__(self, scripts: Sequence[Script]) -> None:
        self._scripts = list(scripts)
        self._server: Server | None = None
        self.paths: list[str] = []
        self.sent = 0

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"ws://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Exchange"]:
        async with serve(self._play, "127.0.0.1", 0, compression=None, max_size=None) as server:
            self._server = server
            yield self

    async def _play(self, client: ServerConnection) -> None:
        assert client.request is not None
        self.paths.append(client.request.path)
        script = self._scripts.pop(0) if self._scripts else (STAY,)
        for item in script:
            if isinstance(item, bytes):
                await client.send(item, text=_is_text(item))
                self.sent += 1
            elif item == PAUSE:
                await asyncio.sleep(0.02)
            elif item == CLOSE:
                return
            elif item == ABORT:
                client.transport.abort()
            else:
                await client.wait_closed()


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a condition; AssertionError after so many seconds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)
