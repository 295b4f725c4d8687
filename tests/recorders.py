"""HTTP servers for tests: they keep what they are asked, and answer as they are told or by rule."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request. `at`: seconds of the monotonic clock."""

    at: float
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer: text as it is, anything else as JSON. It comes `after_seconds`."""

    status: int = 200
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    after_seconds: float = 0.0

    def encoded(self) -> tuple[str, bytes]:
        """(content type, bytes)."""
        if isinstance(self.body, str):
            return "text/plain; charset=utf-8", self.body.encode()
        return "application/json", json.dumps(self.body, ensure_ascii=False).encode()


class Recorder:
    """What a server was asked. `then` gives it the next answers; after these `rule` answers.

    `path`: what its `url` ends with.
    """

    path = ""

    def __init__(self, rule: Callable[[Asked], Reply]) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self._rule, self._next = rule, list[Reply]()
        self._changed, self._closed = threading.Condition(), threading.Event()

    def then(self, *replies: Reply) -> None:
        """Answer the next requests so, whatever they are."""
        with self._changed:
            self._next.extend(replies)

    def wait_until(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait for what a request brings; AssertionError naming `what` where it does not come."""
        with self._changed:
            assert self._changed.wait_for(done, seconds), f"waited {seconds} s for {what}"

    def wait_for(self, requests: int, seconds: float) -> None:
        """Wait until so many requests have come."""
        self.wait_until(lambda: len(self.asked) >= requests, seconds, f"{requests} requests")

    def take(self, asked: Asked) -> Reply:
        """The answer to one request; called by the server's threads."""
        with self._changed:
            self.asked.append(asked)
            reply = self._next.pop(0) if self._next else self._rule(asked)
            self._changed.notify_all()
        self._closed.wait(reply.after_seconds)
        return reply

    def close(self) -> None:
        """Let go of answers that are held back."""
        self._closed.set()


@contextmanager
def served(recorder: Recorder, port: int = 0) -> Iterator[None]:
    """Serve on 127.0.0.1 until the end of the block; sets the recorder's `url`.

    A `port` is for a server that comes back where it was.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(time.monotonic(), self.command, self.path, headers, body)
            with suppress(ConnectionError):  # the client was no longer waiting
                _answer(self, recorder.take(asked))

        do_GET = do_PUT = do_DELETE = do_POST

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: tests look at what was asked."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        recorder.url = f"http://127.0.0.1:{server.server_address[1]}{recorder.path}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield
        finally:
            recorder.close()
            server.shutdown()


def _answer(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    kind, data = reply.encoded()
    handler.send_response(reply.status)
    for name, value in {"Content-Type": kind, **reply.headers}.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)
