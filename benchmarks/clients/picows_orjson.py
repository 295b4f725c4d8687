"""picows and orjson, no Kafka: each frame is parsed and forgotten."""

import asyncio
import time

import orjson
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks.clients.report import task, tell


class _Listener(WSListener):
    def __init__(self, frames: int, done: asyncio.Future[None]) -> None:
        super().__init__()
        self._left = frames
        self._done = done

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type != WSMsgType.TEXT:
            return
        orjson.loads(frame.get_payload_as_memoryview())
        self._left -= 1
        if self._left == 0:
            self._done.set_result(None)


async def _run() -> None:
    asked = task()
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await ws_connect(lambda: _Listener(asked.frames, done), asked.stream_url)
    await done
    tell(time.time(), asked.frames)


if __name__ == "__main__":
    asyncio.run(_run())
