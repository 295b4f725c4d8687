"""GET /metrics of the Spark application, answered by one thread beside the streams."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from lakehouse.errors import ResourceError

# A client that sends or takes nothing for so long is given up: there is one thread for all.
_PATIENCE_SECONDS: Final = 5.0
_PATH: Final = "/metrics"


@contextmanager
def serving(registry: CollectorRegistry, host: str, port: int) -> Iterator[int]:
    """Answer until the end of the block; the port in use (0 asks for a free one).

    ResourceError where the address can't be listened on.
    """
    try:
        server = _Server((host, port), _Handler)
    except OSError as error:
        raise ResourceError(
            f"The metrics address {host}:{port} can't be opened: {error.strerror or error}.",
            "Set SPARK_METRICS_PORT to another port, or to 0 for any free one.",
        ) from None
    server.set_app(_only_metrics(make_wsgi_app(registry)))
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _only_metrics(metrics: Callable[..., Any]) -> Callable[..., Any]:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if environ["PATH_INFO"] != _PATH:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [f"Metrics are at {_PATH}.\n".encode()]
        return metrics(environ, start_response)

    return app


class _Server(WSGIServer):
    # One thread: each that asks Spark's Java keeps a connection to it, and a thread there.

    def server_bind(self) -> None:
        """Without the look-up of this machine's name, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    timeout = _PATIENCE_SECONDS

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: a scrape every few seconds would fill the log."""
