"""websockets, orjson and confluent-kafka with acks=all, as its users write it first."""

import asyncio
import time
from functools import partial

import orjson
from confluent_kafka import KafkaError, Message, Producer
from websockets.asyncio.client import connect

from benchmarks.clients.report import Acknowledgements, Task, task


class _Client:
    def __init__(self, asked: Task) -> None:
        self._topic = asked.topic
        self._acknowledgements = Acknowledgements(asked.frames)
        self._producer = Producer({"bootstrap.servers": asked.kafka, "acks": "all"})
        self._producer.list_topics(asked.topic)

    async def run(self, url: str, frames: int) -> None:
        async with connect(url, compression=None) as websocket:
            for _ in range(frames):
                raw = await websocket.recv(decode=False)
                self._send(orjson.loads(raw)["data"], time.time())
                self._producer.poll(0)
            self._producer.flush()
            self._acknowledgements.tell()

    def _send(self, trade: dict[str, object], received: float) -> None:
        report = partial(self._report, received)
        while True:
            try:
                value, key = orjson.dumps(trade), str(trade["s"])
                return self._producer.produce(self._topic, value, key, on_delivery=report)
            except BufferError:
                self._producer.poll(0.1)

    def _report(self, received: float, error: KafkaError | None, _: Message) -> None:
        self._acknowledgements.add(received, failed=error is not None)


if __name__ == "__main__":
    asked = task()
    asyncio.run(_Client(asked).run(asked.stream_url, asked.frames))
