"""Bronze on a real topic: read again from its start, and made anew under its name."""

import shutil
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from lakehouse import messages, tables
from lakehouse.settings import Settings
from lakehouse.trade import Trade
from tests.commands import wait_for
from tests.integration.applications import START, application, ended_with, lake_settings, rows
from tests.integration.producer_kafka import make_topic

TOPIC = "test.topic.again"
AUDIT = (
    "SELECT sum(rows_in)::BIGINT AS rows_in, sum(rows_out)::BIGINT AS rows_out, "
    "sum(rows_duplicate)::BIGINT AS rows_duplicate FROM lake.market.ops_audit WHERE status = 'ok'"
)
BRONZE = "SELECT kafka_offset, agg_id FROM lake.market.crypto_bronze_aggtrade ORDER BY 1"


def produce(settings: Settings, ids: range) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    for number in ids:
        at = START + number
        trade = Trade(
            "binance", "BTCUSDT", number, "100.5", "2", number, number, at, at, True, at, "ws"
        )
        producer.produce(TOPIC, messages.encode(trade), messages.key_of(trade))
    assert producer.flush(30) == 0


def drained(settings: Settings, name: str) -> None:
    with application(settings, [tables.BRONZE], name) as app:
        app.until_ready()
        app.drained()


def test_from_the_start_again_then_another_topic_of_the_same_name(
    kafka: str, tmp_path: Path
) -> None:
    settings = lake_settings(tmp_path / "lake", kafka_bootstrap_servers=kafka, kafka_topic=TOPIC)
    make_topic(kafka, TOPIC)
    produce(settings, range(30))
    drained(settings, "first")
    shutil.rmtree(settings.checkpoints)
    produce(settings, range(30, 35))
    drained(settings, "again")
    assert rows(settings, BRONZE) == [{"kafka_offset": n, "agg_id": n} for n in range(35)]
    assert rows(settings, AUDIT) == [{"rows_in": 65, "rows_out": 35, "rows_duplicate": 30}]

    admin = AdminClient({"bootstrap.servers": kafka})
    admin.delete_topics([TOPIC])[TOPIC].result()
    wait_for(lambda: TOPIC not in admin.list_topics(timeout=10).topics, 30, "the topic to go")
    make_topic(kafka, TOPIC)
    produce(settings, range(1000, 1040))
    shutil.rmtree(settings.checkpoints)
    with application(settings, [tables.BRONZE], "other") as app:
        told = ended_with(app, 8)
    assert "holds other records than Bronze took from it before (partition 0, offset" in told
    assert "(KAFKA_TOPIC)" in told
    assert len(rows(settings, BRONZE)) == 35
