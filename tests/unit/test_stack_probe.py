"""Ports and the broker's probe, against servers that are no broker. The real one: integration."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lakehouse.errors import ResourceError, SettingsError, UnreachableError
from lakehouse.stack import ports, probe


@contextmanager
def server(answer: bytes | None) -> Iterator[str]:
    """Sends `answer` to whoever asks; None keeps silent. Yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        kept: list[socket.socket] = []

        def serve() -> None:
            link, _ = listening.accept()
            kept.append(link)
            link.recv(1024)
            if answer is not None:
                link.sendall(answer)
                link.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        thread.join(2)
        for link in kept:
            link.close()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "closed without an answer"),
        (b"\x00\x00\x00\x0a", "closed without an answer"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no Kafka broker"),
        (b"\x00\x00\x00\x0aFire\x00\x23", "no Kafka broker"),
        (None, "timed out"),
    ],
)
def test_what_is_no_broker_is_told(answer: bytes | None, told: str) -> None:
    with server(answer) as address, pytest.raises(UnreachableError) as caught:
        probe.ping(address, 0.3)
    assert told in caught.value.message
    assert address in caught.value.message
    assert "KAFKA_BOOTSTRAP_SERVERS" in caught.value.hint


def test_a_broker_is_found_behind_one_that_is_down() -> None:
    down = f"127.0.0.1:{ports.free_ports(1)[0]}"
    with server(b"\x00\x00\x00\x0aFire\x00\x00") as address:
        assert probe.ping(f"{down},{address}", 2.0) == address


def test_the_time_limit_holds_for_all_servers_together() -> None:
    started = time.monotonic()
    with server(None) as one, server(None) as two, pytest.raises(UnreachableError):
        probe.ping(f"{one},{two}", 0.4)
    assert 0.3 < time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost:9092", ("localhost", 9092)),
        (" PLAINTEXT://10.0.0.1:19092 ", ("10.0.0.1", 19092)),
        ("[::1]:9092", ("::1", 9092)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert probe.address(text) == address


@pytest.mark.parametrize("text", ["", "localhost", ":9092", "h:0", "h:65536", "h:９", "h:-1"])
def test_what_is_no_address_is_a_settings_error(text: str) -> None:
    with pytest.raises(SettingsError, match="KAFKA_BOOTSTRAP_SERVERS"):
        probe.address(text)


def test_free_ports_differ_and_can_be_listened_on() -> None:
    found = ports.free_ports(5)
    assert len(set(found)) == 5
    for port in found:
        assert ports.require_free(port, "X_PORT") == port
        socket.create_server(("127.0.0.1", port)).close()


def test_a_taken_port_names_itself_and_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ResourceError) as caught:
            ports.require_free(port, "PRODUCER_METRICS_PORT")
    assert f"Port {port} (PRODUCER_METRICS_PORT) can't be used" in caught.value.message
    assert "Set PRODUCER_METRICS_PORT to another port" in caught.value.hint


def test_a_port_that_is_none_is_a_resource_error_too() -> None:
    with pytest.raises(ResourceError, match="70000"):
        ports.require_free(70000, "X_PORT")
