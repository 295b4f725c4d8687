"""websockets and orjson, no Kafka: each frame is parsed and forgotten."""

import asyncio
import time

import orjson
from websockets.asyncio.client import connect

from benchmarks.clients.report import task, tell


async def _run() -> None:
    asked = task()
    async with connect(asked.stream_url, compression=None) as websocket:
        for _ in range(asked.frames):
            orjson.loads(await websocket.recv(decode=False))
        tell(time.time(), asked.frames)


if __name__ == "__main__":
    asyncio.run(_run())
