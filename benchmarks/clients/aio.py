"""websockets, orjson and aiokafka with acks=all, as its users write it first (not one by one)."""

import asyncio
import time
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer  # type: ignore[import-not-found]
from websockets.asyncio.client import connect

from benchmarks.clients.report import Acknowledgements, Task, task


async def _run(asked: Task) -> None:
    acknowledgements, done = Acknowledgements(asked.frames), asyncio.Event()

    def watch(sent: "asyncio.Future[Any]", received: float) -> None:
        def report(future: "asyncio.Future[Any]") -> None:
            if acknowledgements.add(received, failed=future.exception() is not None):
                done.set()

        sent.add_done_callback(report)

    async with (
        AIOKafkaProducer(bootstrap_servers=asked.kafka, acks="all") as producer,
        connect(asked.stream_url, compression=None) as websocket,
    ):
        await producer.partitions_for(asked.topic)
        for _ in range(asked.frames):
            raw = await websocket.recv(decode=False)
            received, trade = time.time(), orjson.loads(raw)["data"]
            key = trade["s"].encode()
            watch(await producer.send(asked.topic, orjson.dumps(trade), key), received)
        await done.wait()
        acknowledgements.tell()


if __name__ == "__main__":
    asyncio.run(_run(task()))
