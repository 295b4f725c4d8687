"""The broker's settings as text."""

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lakehouse.stack.kafka import cluster_id, escape, server_properties


def unescape(text: str) -> str:
    """What Java's Properties.load makes of a value, for what `escape` can write."""
    plain = {"n": "\n", "r": "\r", "\\": "\\", " ": " "}
    units = re.sub(
        r"\\(?:u([0-9a-f]{4})|(.))", lambda m: chr(int(m[1], 16)) if m[1] else plain[m[2]], text
    )
    return units.encode("utf-16-be", "surrogatepass").decode("utf-16-be")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_java_reads_any_value_back(value: str) -> None:
    escaped = escape(value)
    assert escaped.isascii()
    assert not set(escaped) & {"\n", "\r"}
    assert not escaped.startswith(" ")
    assert unescape(escaped) == value


def test_the_broker_listens_on_loopback_alone_and_says_its_ports() -> None:
    text = server_properties(Path("/data dir/kafka"), 9092, 9093)
    lines = dict(line.split("=", 1) for line in text.splitlines())
    assert lines["listeners"] == "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
    assert lines["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092"
    assert lines["controller.quorum.voters"] == "1@127.0.0.1:9093"
    assert lines["log.dirs"] == "/data dir/kafka"
    assert lines["auto.create.topics.enable"] == "false"
    assert "0.0.0.0" not in text


def test_cluster_ids_are_such_as_kafka_takes() -> None:
    made = {cluster_id() for _ in range(500)}
    assert len(made) == 500
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}", each) for each in made)
