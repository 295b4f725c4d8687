"""A webhook that keeps what arrives, and answers as it is told: a real HTTP server."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str]]


@dataclass
class Webhook:
    """`taken` are the bodies answered with 200, `asked` the times (s) of all requests."""

    url: str
    taken: list[dict[str, Any]] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    types: list[str] = field(default_factory=list)

    def texts(self) -> list[str]:
        """All words of each message, as one text."""
        return [json.dumps(body, ensure_ascii=False) for body in self.taken]

    def wait_for(self, words: str, seconds: float) -> str:
        """The first message that holds `words`; AssertionError where none comes in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for text in self.texts():
                if words in text:
                    return text
            time.sleep(0.1)
        raise AssertionError(f"no alert said {words!r} in {seconds} s: {self.texts()}")


@contextmanager
def webhook(answers: Sequence[Answer] = ()) -> Iterator[Webhook]:
    """A webhook that gives these answers first, and 200 from then on."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.asked.append(time.monotonic())
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers = left.pop(0) if left else (200, {})
            if status == 200:
                found.taken.append(body)
                found.types.append(self.headers["Content-Type"])
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: tests look at what was taken."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Webhook(f"http://127.0.0.1:{server.server_address[1]}/T0/SECRET")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield found
        finally:
            server.shutdown()
