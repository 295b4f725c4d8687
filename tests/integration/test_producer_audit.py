"""The audit and `firehose verify --kafka` on a real broker."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from lakehouse.commands import Format
from lakehouse.commands.verify import verify
from lakehouse.errors import IncompleteError, SettingsError, UnreachableError
from lakehouse.gaps import GapMessage
from lakehouse.messages import encode, key_of
from lakehouse.settings import Settings, load
from lakehouse.stack import Stack
from lakehouse.trade import Trade
from producer.audit.__main__ import audit
from tests.integration.producer_kafka import fresh_settings, make_topic

START = 1_723_161_600_000_000


def settings_for(kafka: str) -> Settings:
    settings = fresh_settings(kafka)
    gaps = f"{settings.kafka_topic}.gaps-audit"
    make_topic(kafka, settings.kafka_topic, 2)
    return settings.model_copy(update={"kafka_gap_topic": gaps})


def trade(agg_id: int, symbol: str = "BTCUSDT", source: Any = "ws") -> Trade:
    at = START + agg_id * 60_000_000
    return Trade("binance", symbol, agg_id, "1.50", "2", 1, 1, at, at, True, at, source)


def send(settings: Settings, *trades: Trade | bytes) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    for each in trades:
        value, key = (each, b"?") if isinstance(each, bytes) else (encode(each), key_of(each))
        producer.produce(settings.kafka_topic, value, key)
    assert producer.flush(30) == 0


def send_gap(settings: Settings, from_id: int, to_id: int, status: Any) -> None:
    gap = GapMessage(
        exchange="binance", symbol="BTCUSDT", from_id=from_id, to_id=to_id, status=status,
        detected_at=START,
    )  # fmt: skip
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    producer.produce(settings.kafka_gap_topic, gap.value(), gap.key)
    assert producer.flush(30) == 0


def use(settings: Settings, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    for name in ("kafka_bootstrap_servers", "kafka_topic", "kafka_gap_topic"):
        monkeypatch.setenv(name.upper(), getattr(settings, name))
    monkeypatch.setenv("DATA_DIR", str(folder))


def test_counts_what_the_topic_holds_and_leaves_no_group(kafka: str) -> None:
    settings = settings_for(kafka)
    late = trade(5, source="rest")
    live = [trade(n) for n in range(120) if n not in (5, 7)]
    send(settings, *live, late, trade(3), trade(7), b"garbage")
    send(settings, *(trade(n, "ETHUSDT") for n in (7, 8)))
    found = audit(settings)
    bitcoin, ether = found.symbols
    assert (bitcoin.trades, bitcoin.missing, bitcoin.duplicates) == (121, 0, 1)
    # 7 came too late; 3 came twice, which is another thing.
    assert (bitcoin.out_of_order, bitcoin.late_repairs) == (1, 1)
    assert (ether.first_id, ether.last_id, ether.trades) == (7, 8, 2)
    assert [(h.symbol, h.trades) for h in found.hours][:2] == [("BTCUSDT", 61), ("BTCUSDT", 60)]
    assert (found.records, found.unreadable, found.sources) == (124, 1, {"rest": 1, "ws": 122})
    assert sum(part.end_offset - part.first_offset for part in found.partitions) == 124
    assert found.faults() == ("1 live trades out of order in Kafka",)
    groups = AdminClient({"bootstrap.servers": kafka}).list_consumer_groups().result().valid
    assert not [group for group in groups if "audit" in group.group_id]


def test_the_newest_record_of_a_gap_is_what_holds(kafka: str) -> None:
    settings = settings_for(kafka)
    make_topic(kafka, settings.kafka_gap_topic, 1, cleanup_policy="compact")
    send(settings, *(trade(n) for n in (1, 2, 5, 6, 9)))
    for status in ("open", "unrepairable"):
        send_gap(settings, 3, 4, status)
    send_gap(settings, 7, 8, "open")
    found = audit(settings)
    assert [(g.from_id, g.to_id) for g in found.known_gaps.unrepairable] == [(3, 4)]
    assert [(g.from_id, g.to_id) for g in found.open_gaps] == [(7, 8)]
    assert found.faults() == ("2 ids missing from Kafka",)
    assert found.faults(strict=True) == ("4 ids missing from Kafka",)
    assert found.symbols[0].unrecorded == 0


def test_symbols_and_a_beginning_can_be_chosen(kafka: str) -> None:
    settings = settings_for(kafka)
    send(settings, trade(1), trade(2), trade(9, "ETHUSDT"))
    only = audit(settings, since_hours=1, symbols=["ETHUSDT"])
    assert [(s.symbol, s.trades) for s in only.symbols] == [("ETHUSDT", 1)]
    assert (only.skipped, only.records) == (2, 3)
    assert audit(settings, since_hours=1e-6).records == 0


def test_as_a_program_it_prints_json(kafka: str) -> None:
    settings = settings_for(kafka)
    send(settings, trade(1), trade(2))
    done = subprocess.run(
        [sys.executable, "-m", "producer.audit"],
        env={**os.environ, **settings.as_env()}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["symbols"][0]["trades"] == 2


def test_no_broker_and_no_topic_are_told_in_a_sentence(kafka: str) -> None:
    with pytest.raises(SettingsError, match="There is no topic"):
        audit(load(kafka_bootstrap_servers=kafka, kafka_topic="nobody.made.it"))
    with pytest.raises(SettingsError, match="BOOTSTRAP_SERVERS is empty"):
        audit(load(kafka_bootstrap_servers=""))
    with pytest.raises(UnreachableError, match="can't be read"):
        audit(load(kafka_bootstrap_servers="127.0.0.1:9"))


def test_verify_proves_the_layer_kafka(
    kafka: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(kafka)
    use(settings, monkeypatch, tmp_path)
    send(settings, *(trade(n) for n in range(1, 5)))
    verify(layers="kafka")
    printed = capsys.readouterr().out
    assert "Completeness of Kafka" in printed
    assert "complete: 4 trades, every id there" in printed
    send(settings, trade(8))
    with pytest.raises(IncompleteError, match="3 ids missing from Kafka"):
        verify(Format.json, layers="kafka")
    proof = json.loads(capsys.readouterr().out)
    assert (proof["complete"], proof["kafka"]["gaps"][0]["from_id"]) == (False, 5)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")
    with pytest.raises(UnreachableError, match="The audit of Kafka failed"):
        verify(layers="kafka")


def test_verify_finds_the_embedded_broker_running_or_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    with Stack(load(data_dir=tmp_path), print) as stack:
        settings = settings_for(stack.start_kafka())
        use(settings, monkeypatch, tmp_path)
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "")
        send(settings, trade(1), trade(2))
        verify(layers="kafka")
    assert "complete: 2 trades" in capsys.readouterr().out
    verify(layers="kafka")
    told = capsys.readouterr()
    assert "The embedded Kafka is started for the reading." in told.err
    assert "complete: 2 trades" in told.out
