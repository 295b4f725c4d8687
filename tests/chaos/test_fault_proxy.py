"""The proxy itself: it changes nothing while it is asked for nothing, and does what it is told."""

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

import pytest

from tests.chaos import fault_proxy
from tests.chaos.fault_proxy import FaultProxy, Loop


class Echo(BaseHTTPRequestHandler):
    """Answers a PUT with its body, a HEAD with a length alone; counts what it has done."""

    protocol_version = "HTTP/1.1"
    done = 0

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).done += 1
        self._answer(body)

    def do_HEAD(self) -> None:
        self._answer(b"x" * 50)

    def log_message(self, format: str, *args: object) -> None:
        del format, args

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Seen-Host", self.headers["Host"])
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Loop() as loop:
        yield FaultProxy(loop, ("127.0.0.1", server.server_port))
    server.shutdown()


def put(link: http.client.HTTPConnection, body: bytes, expect: bool = False) -> bytes:
    link.request("PUT", "/x", body, {"Expect": "100-continue"} if expect else {})
    answer = link.getresponse()
    if answer.status >= 400:
        raise OSError(answer.status)
    return answer.read()


def test_what_passes_is_not_changed(proxy: FaultProxy) -> None:
    link = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)
    rng = Random(1)
    for size in (0, 1, 70_000, 3_000_000):
        body = rng.randbytes(size)
        assert put(link, body) == body
        link.request("HEAD", "/x")
        answer = link.getresponse()
        assert answer.read() == b"" and answer.headers["Content-Length"] == "50"
        assert answer.headers["Seen-Host"] == f"127.0.0.1:{proxy.port}"
    assert put(link, b"asked for", expect=True) == b"asked for"


@pytest.mark.parametrize("fault", [f for f in fault_proxy.FAULTS if f != fault_proxy.SLOW])
def test_a_fault_strikes_an_open_connection_and_ends(proxy: FaultProxy, fault: str) -> None:
    link = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)
    assert put(link, b"well") == b"well"
    before = Echo.done
    proxy.fault(fault)
    with pytest.raises((OSError, http.client.HTTPException)):
        put(link, b"harmed" * 100)
    is_done = fault in (fault_proxy.CUT, fault_proxy.LOST, fault_proxy.LATE_503)
    assert Echo.done - before == is_done
    proxy.fault(None)
    link.close()
    assert put(link, b"well again") == b"well again"


def test_slow_is_slow_and_right(proxy: FaultProxy) -> None:
    proxy.fault(fault_proxy.SLOW)
    link = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)
    assert put(link, b"late") == b"late"
    assert proxy.struck[fault_proxy.SLOW] == 1
