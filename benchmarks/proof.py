"""Reads back what a client put into Kafka: a figure counts only for what is really there."""

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import orjson
from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it has no __all__
    AdminClient,
    NewTopic,
)

_BATCH = 10_000
_PATIENCE_SECONDS = 30.0


class Proof(NamedTuple):
    """Trades in the topics: distinct ids, those beyond the first of an id, and steps back."""

    distinct: int
    repeated: int
    out_of_order: int


def create_topics(kafka: str, topics: Sequence[str], partitions: int = 2) -> None:
    """Make the topics; the client's exception where that fails."""
    admin = _admin(kafka)
    for made in admin.create_topics([NewTopic(name, partitions, 1) for name in topics]).values():
        made.result()


def _admin(kafka: str) -> AdminClient:
    # Level 4 is warnings: its farewell is of level 6.
    return AdminClient({"bootstrap.servers": kafka, "log_level": 4})


def delete_topics(kafka: str, prefix: str) -> None:
    """Remove every topic of a run, so that the disk doesn't fill."""
    admin = _admin(kafka)
    names = [name for name in admin.list_topics(timeout=10).topics if name.startswith(prefix)]
    for removed in (admin.delete_topics(names) if names else {}).values():
        removed.result()


def read_back(kafka: str, topics: Sequence[str]) -> Proof:
    """Every message of the topics. Ids are looked for under the names the clients give them."""
    seen: dict[str, set[int]] = {}
    last: dict[str, int] = {}
    repeated = out_of_order = 0
    for message in _messages(kafka, topics):
        trade = orjson.loads(message.value() or b"{}")
        symbol = trade.get("symbol") or trade["s"]
        found = int(trade.get("agg_id") or trade.get("id") or trade["a"])
        ids = seen.setdefault(symbol, set())
        repeated += found in ids
        out_of_order += found < last.get(symbol, found)
        last[symbol] = found
        ids.add(found)
    return Proof(sum(map(len, seen.values())), repeated, out_of_order)


def _messages(kafka: str, topics: Sequence[str]) -> Iterator[Message]:
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "proof"})
    try:
        ends = _ends(consumer, topics)
        consumer.assign(
            [TopicPartition(topic, part, 0) for (topic, part), end in ends.items() if end]
        )
        left, deadline = sum(ends.values()), time.monotonic() + _PATIENCE_SECONDS
        while left:
            batch = consumer.consume(min(_BATCH, left), 1.0)
            left -= len(batch)
            deadline = time.monotonic() + _PATIENCE_SECONDS if batch else deadline
            if time.monotonic() > deadline:
                raise TimeoutError(f"{left} messages of {topics} could not be read back")
            yield from batch
    finally:
        consumer.close()


def _ends(consumer: Consumer, topics: Sequence[str]) -> dict[tuple[str, int], int]:
    known = consumer.list_topics(timeout=10).topics
    places = [(topic, part) for topic in topics for part in known[topic].partitions]
    return {
        (topic, part): consumer.get_watermark_offsets(TopicPartition(topic, part), timeout=10)[1]
        for topic, part in places
    }


def appended(kafka: str, topic: str) -> int:
    """Messages ever appended to a topic, those that retention removed too."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "proof"})
    try:
        return sum(_ends(consumer, [topic]).values())
    finally:
        consumer.close()
