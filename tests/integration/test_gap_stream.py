"""The gap stream alone on a real topic: it waits for it, drains it and reads it again."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from confluent_kafka import Producer

from lakehouse.gaps import GapMessage, GapStatus
from lakehouse.query import Lake
from lakehouse.settings import Settings
from tests.commands import wait_for
from tests.integration.producer_kafka import fresh_settings, make_topic

GAPS = "SELECT from_id, to_id, status, kafka_offset FROM lake.market.ops_gap ORDER BY from_id"
AUDIT = (
    "SELECT sum(rows_in)::BIGINT AS rows_in, sum(rows_out)::BIGINT AS rows_out, "
    "sum(rows_duplicate)::BIGINT AS rows_duplicate, sum(dq_fail)::BIGINT AS dq_fail "
    "FROM lake.market.ops_audit WHERE job = 'ops_gap' AND status = 'ok'"
)


def gap(from_id: int, to_id: int, status: GapStatus = "open") -> GapMessage:
    return GapMessage(
        exchange="binance", symbol="BTCUSDT", from_id=from_id, to_id=to_id, status=status,
        detected_at=1_723_161_600_000_000,
    )  # fmt: skip


def write(settings: Settings, *messages: GapMessage | tuple[bytes, bytes | None]) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    for message in messages:
        key, value = message if isinstance(message, tuple) else (message.key, message.value())
        producer.produce(settings.kafka_gap_topic, value=value, key=key)
    assert producer.flush(10) == 0


def start(settings: Settings) -> subprocess.Popen[bytes]:
    """The streams' process, once it says that they run."""
    status = settings.data_path / "status.json"
    status.unlink(missing_ok=True)
    words = ["run", "--job", "ops_gap", "--status-file", str(status)]
    process = subprocess.Popen(
        [sys.executable, "-m", "spark_jobs", *words], env={**os.environ, **settings.as_env()}
    )
    wait_for(lambda: status.exists() or process.poll() is not None, 300, "the stream to start")
    return process


def drained(process: subprocess.Popen[bytes]) -> bool:
    process.send_signal(signal.SIGUSR1)
    return process.wait(60) == 0


def rows(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with Lake(settings) as lake:
        return [tuple(row.values()) for row in lake.rows(sql)]


def test_waits_for_the_topic_drains_it_and_reads_it_again(kafka: str, tmp_path: Path) -> None:
    settings = fresh_settings(kafka, data_dir=tmp_path, spark_driver_memory="1g")
    process = start(settings)
    try:
        # Written once the stream has asked Kafka and found no topic.
        seen = tmp_path / "checkpoints" / "ops_gap" / "sources" / "0" / "0"
        wait_for(seen.exists, 30, "the stream to look for its topic")
        make_topic(kafka, settings.kafka_gap_topic, 2, cleanup_policy="compact")
        write(settings, gap(10, 20), gap(30, 31), (b"junk", b"junk"))
        assert drained(process)
        assert [row[:3] for row in rows(settings, GAPS)] == [(10, 20, "open"), (30, 31, "open")]

        # A lost checkpoint: the topic is read from its start, among it what is known already.
        again = settings.model_copy(update={"checkpoint_dir": str(tmp_path / "fresh")})
        write(
            settings, gap(10, 14, "repaired"), gap(15, 20, "unrepairable"), (gap(30, 31).key, None)
        )
        process = start(again)
        assert drained(process)
    finally:
        process.kill()
        process.wait()
    found = rows(settings, GAPS)
    assert [row[:3] for row in found] == [
        (10, 14, "repaired"),
        (15, 20, "unrepairable"),
        (30, 31, "open"),
    ]
    # 3 in the first run; all 6 in the second: 2 of them new, the garbage once more.
    assert rows(settings, AUDIT) == [(9, 4, 3, 2)]
    [(held,)] = rows(settings, "SELECT count(*) FROM lake.market.crypto_quarantine")
    assert held == 1
