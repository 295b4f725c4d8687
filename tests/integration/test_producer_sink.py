"""The promises of a sink, held by Kafka and by its twin in memory alike."""

import os
import time
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

import pytest
import structlog

from lakehouse.errors import StackError
from lakehouse.exchanges.binance import EXCHANGE
from lakehouse.messages import dead_letter_headers, decode
from lakehouse.trade import Trade
from producer.dead_letters import CUT_BYTES
from producer.memory_sink import DEAD_LETTERS, TRADES, MemorySink
from producer.metrics import Counters
from producer.protocol import DeadLetter
from producer.sink import KafkaSink, Sink
from producer.topics import MAX_FRAME_BYTES, ensure_topics
from tests.integration.producer_kafka import fresh_settings, make_topic, read_all

Seen = tuple[bytes | None, bytes | None, dict[str, bytes]]


class Bench(NamedTuple):
    """A sink, its figures and what a consumer sees: key, value, headers."""

    sink: Sink
    counters: Counters
    trades: Callable[[], list[Seen]]
    letters: Callable[[], list[Seen]]


def trade(agg_id: int, symbol: str = "BTCUSDT") -> Trade:
    now = time.time_ns() // 1000
    return Trade(
        EXCHANGE, symbol, agg_id, "61837.63000000", "0.02", 1, 2, now, now, True, now, "ws"
    )


def letter(raw: bytes) -> DeadLetter:
    return DeadLetter(raw, "not_json", time.time_ns() // 1000)


def memory() -> Bench:
    counters = Counters()
    sink = MemorySink(counters)

    def seen(topic: str) -> list[Seen]:
        return [
            (record.key, record.value, {name: bytes(value) for name, value in record.headers})  # type: ignore[arg-type]
            for record in sink.records
            if record.topic == topic
        ]

    return Bench(sink, counters, lambda: seen(TRADES), lambda: seen(DEAD_LETTERS))


def real(kafka: str) -> Bench:
    settings, counters = fresh_settings(kafka), Counters()
    topics = ensure_topics(settings, structlog.get_logger())
    sink = KafkaSink(settings, topics, counters, structlog.get_logger())

    def seen(topic: str) -> list[Seen]:
        return [
            (message.key(), message.value(), dict(message.headers() or []))  # type: ignore[arg-type]
            for message in read_all(kafka, topic)
        ]

    return Bench(
        sink,
        counters,
        lambda: seen(settings.kafka_topic),
        lambda: seen(settings.kafka_dlq_topic),
    )


@pytest.fixture(params=["memory", "kafka"])
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "memory":
        return memory()
    return real(request.getfixturevalue("kafka"))


def test_trades_keep_their_order_per_symbol(bench: Bench) -> None:
    sent = [trade(number, symbol) for number in range(3000) for symbol in ("BTCUSDT", "ETHUSDT")]
    assert all(bench.sink.send(each) for each in sent)
    assert bench.sink.flush(20) == 0
    assert bench.counters.delivered == len(sent) and bench.counters.in_flight == 0
    seen = bench.trades()
    for symbol in ("BTCUSDT", "ETHUSDT"):
        of_symbol = [decode(value) for key, value, _ in seen if key == symbol.encode() and value]
        assert of_symbol == [each for each in sent if each.symbol == symbol]


def test_nothing_counts_as_delivered_before_it_is_acknowledged(bench: Bench) -> None:
    assert bench.sink.send(trade(1))
    assert (bench.counters.accepted, bench.counters.delivered) == (1, 0)
    assert bench.counters.in_flight == 1 and bench.counters.last_delivery_timestamp == 0
    assert bench.sink.flush(20) == 0
    assert (bench.counters.delivered, bench.counters.in_flight) == (1, 0)
    assert 0 < bench.counters.latency.total < 20
    assert abs(bench.counters.last_delivery_timestamp - time.time()) < 20


@pytest.mark.parametrize("raw", [b"", b"\x00\xff\xfe", b'{"a":', os.urandom(MAX_FRAME_BYTES)])
def test_dead_letters_keep_their_bytes_and_reason(bench: Bench, raw: bytes) -> None:
    sent = letter(raw)
    assert bench.sink.send_dead_letter(sent)
    assert bench.sink.flush(20) == 0
    assert bench.counters.dlq_delivered == 1 and bench.counters.delivered == 0
    [(key, value, headers)] = bench.letters()
    assert key is None and (value or b"") == raw
    assert headers == dict(dead_letter_headers("not_json", EXCHANGE, sent.ingest_time))


def test_a_full_sink_says_so_and_drops_nothing(kafka: str) -> None:
    settings, counters = fresh_settings(kafka), Counters()
    topics = ensure_topics(settings, structlog.get_logger())
    sink = KafkaSink(
        settings,
        topics,
        counters,
        structlog.get_logger(),
        queue_buffering_max_messages=10,
        linger_ms=20,
    )
    refused = 0
    for number in range(200):
        while not sink.send(trade(number)):
            refused += 1
            time.sleep(0.01)
            sink.poll()
    assert refused > 0
    assert sink.flush(20) == 0
    ids = [
        decode(message.value() or b"").agg_id for message in read_all(kafka, settings.kafka_topic)
    ]
    assert ids == list(range(200))


def test_a_dead_letter_too_large_for_the_broker_is_cut_and_says_so(kafka: str) -> None:
    settings, counters = fresh_settings(kafka), Counters()
    make_topic(kafka, settings.kafka_dlq_topic, max_message_bytes="100000")
    topics = ensure_topics(settings, structlog.get_logger())
    assert any("max.message.bytes=100000" in warning for warning in topics.warnings)
    sink = KafkaSink(settings, topics, counters, structlog.get_logger())
    raw = os.urandom(300_000)
    assert sink.send_dead_letter(letter(b"small")) and sink.send_dead_letter(letter(raw))
    assert sink.flush(20) == 0
    assert (counters.dlq_delivered, counters.dead_letters_cut) == (2, 1)
    large = read_all(kafka, settings.kafka_dlq_topic)[-1]
    headers = dict(large.headers() or [])
    assert large.value() == raw[:CUT_BYTES]
    assert headers["raw_bytes"] == b"300000"
    assert headers["raw_sha256"] == sha256(raw).hexdigest().encode()


def test_a_trade_that_kafka_refuses_ends_the_run_loudly(kafka: str) -> None:
    settings, counters = fresh_settings(kafka), Counters()
    make_topic(kafka, settings.kafka_topic, max_message_bytes="100")
    topics = ensure_topics(settings, structlog.get_logger())
    sink = KafkaSink(settings, topics, counters, structlog.get_logger())
    assert sink.send(trade(1))
    with pytest.raises(StackError, match="refused a message"):
        sink.flush(20)
    assert counters.delivery_failed == 1 and counters.delivered == 0
