"""What a start reads back from a real broker, beside other producers and without metadata."""

import pytest
import structlog
from confluent_kafka import Producer

from lakehouse.errors import UnreachableError
from lakehouse.gaps import GapMessage, PositionMessage
from lakehouse.messages import encode
from lakehouse.settings import Settings
from lakehouse.trade import Trade
from producer import resume
from producer.resume import recall
from tests.integration.producer_kafka import fresh_settings, make_topic


def trade(symbol: str, agg_id: int) -> Trade:
    return Trade("binance", symbol, agg_id, "1.0", "2.0", 1, 1, 0, 0, True, 0, "ws")


def note(settings: Settings, producer: str, symbol: str) -> PositionMessage:
    return PositionMessage(
        producer=producer, exchange="binance", topic=settings.kafka_topic, offsets={0: 0},
        first_ids={symbol: 1}, last_ids={symbol: 1}, written_at=1,
    )  # fmt: skip


def two_producers(kafka: str, names: tuple[str, ...]) -> Settings:
    """Topics with A of this producer and B of another, each with a gap from 2 to 4."""
    settings = fresh_settings(kafka, producer_name="mine")
    for topic in (settings.kafka_topic, settings.kafka_gap_topic, settings.kafka_position_topic):
        make_topic(kafka, topic)
    out = Producer({"bootstrap.servers": kafka})
    for name, symbol in zip(names, "AB", strict=False):
        position = note(settings, name, symbol)
        out.produce(settings.kafka_position_topic, position.value(), position.key)
    for symbol in "AB":
        gap = GapMessage(
            exchange="binance", symbol=symbol, from_id=2, to_id=4, status="open", detected_at=1
        )
        out.produce(settings.kafka_gap_topic, gap.value(), gap.key)
        for agg_id in (1, 5):
            out.produce(settings.kafka_topic, encode(trade(symbol, agg_id)), symbol)
    assert out.flush(20) == 0
    return settings


def test_the_gaps_of_another_producer_are_left_to_it(kafka: str) -> None:
    found = recall(two_producers(kafka, ("mine", "theirs")), structlog.get_logger(), ["A"])
    assert list(found.symbols) == ["A"]
    assert [gap.symbol for gap in found.open_gaps] == ["A"]


def test_a_lone_producer_keeps_what_it_no_longer_follows(kafka: str) -> None:
    found = recall(two_producers(kafka, ("mine",)), structlog.get_logger(), ["A"])
    assert sorted(found.symbols) == ["A", "B"]


def test_a_topic_that_does_not_show_itself_is_not_taken_for_an_empty_one(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resume, "_TIMEOUT", 1.0)
    with pytest.raises(UnreachableError):
        settings = two_producers(kafka, ("mine",))
        hidden = settings.model_copy(update={"kafka_gap_topic": f"{settings.kafka_gap_topic}.no"})
        recall(hidden, structlog.get_logger())
