"""The Spark application's /metrics over HTTP: one path, one thread, told ports."""

import socket
import urllib.error
import urllib.request

import pytest
from prometheus_client import CollectorRegistry, Gauge

from lakehouse.errors import ResourceError
from spark_jobs.metrics_server import serving


def registry() -> CollectorRegistry:
    found = CollectorRegistry()
    Gauge("answer", "of everything", registry=found).set(42)
    return found


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_metrics_are_answered_and_nothing_else_until_the_end() -> None:
    with serving(registry(), "127.0.0.1", 0) as port:
        status, page = get(port, "/metrics")
        assert status == 200 and "answer 42.0" in page
        assert get(port, "/")[0] == get(port, "/symbols")[0] == 404
    with socket.create_server(("127.0.0.1", port)):
        pass  # it was given back


def test_a_client_that_says_nothing_is_given_up() -> None:
    with serving(registry(), "127.0.0.1", 0) as port, socket.create_connection(("127.0.0.1", port)):
        assert get(port, "/metrics")[0] == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_an_address_that_cannot_be_had_is_told(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(ResourceError, match=r"can't be opened"),
            serving(registry(), host, port),
        ):
            pass
