"""A receiver of spike events: a real HTTP server that checks signatures and keeps every attempt."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lakehouse import signing, spike_post

SECRET = "a secret of the tests"
NO_ANSWER = 0


@dataclass(frozen=True)
class Reply:
    """Status, headers and the body in JSON; with NO_ANSWER the connection is cut."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    after_seconds: float = 0.0


@dataclass(frozen=True)
class Attempt:
    """One request, and what it was answered."""

    event_id: str
    timestamp: str
    signature: str
    content_type: str
    body: bytes
    genuine: bool
    status: int

    @property
    def event(self) -> dict[str, Any]:
        """The body as JSON."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    """`attempts` in the order of their answers."""

    url: str
    replies: list[Reply]
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def taken(self) -> list[Attempt]:
        """Those that were answered with 200."""
        return [each for each in self.attempts if each.status == 200]

    def wait_for(self, count: int, seconds: float) -> list[Attempt]:
        """All attempts, once there are so many; AssertionError where they don't come in time."""
        deadline = time.monotonic() + seconds
        while len(self.attempts) < count:
            assert time.monotonic() < deadline, f"{len(self.attempts)} of {count} attempts came"
            time.sleep(0.05)
        return list(self.attempts)


@contextmanager
def receiver(replies: Sequence[Reply] = (), port: int = 0) -> Iterator[Receiver]:
    """Gives these replies first, and 200 from then on."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            reply = found.replies.pop(0) if found.replies else Reply()
            time.sleep(reply.after_seconds)
            found.attempts.append(_attempt(self.headers, body, reply.status))
            if reply.status == NO_ANSWER:
                self.close_connection = True
                return
            self._answer(reply)

        def do_GET(self) -> None:
            found.attempts.append(_attempt(self.headers, b"", 405))
            self._answer(Reply(405))

        def _answer(self, reply: Reply) -> None:
            content = b"" if reply.body is None else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: tests look at the attempts."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}/webhook/TOKEN-IN-PATH"
        found = Receiver(address, list(replies))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield found
        finally:
            server.shutdown()


def _attempt(headers: Any, body: bytes, status: int) -> Attempt:
    told = [str(headers.get(n, "")) for n in (spike_post.EVENT, spike_post.TIMESTAMP)]
    given = str(headers.get(spike_post.SIGNATURE, ""))
    genuine = signing.verify(SECRET, told[1], body, given, time.time())
    kind = str(headers.get("Content-Type", ""))
    return Attempt(told[0], told[1], given, kind, body, genuine, status)
