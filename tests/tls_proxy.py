"""TLS before a server that speaks none: what comes in is passed on, byte by byte."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.certificates import Certificates


@contextmanager
def tls_before(server: tuple[str, int], certificates: Certificates) -> Iterator[str]:
    """The address (`https://127.0.0.1:port`) of a proxy before `server`; closed at the end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server, certificates.key)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):  # closed: the end
                while True:
                    link, _ = listening.accept()
                    _background(_pass_on, link, context, server)

        _background(serve)
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"


def _pass_on(link: socket.socket, context: ssl.SSLContext, server: tuple[str, int]) -> None:
    with (
        suppress(OSError),
        socket.create_connection(server) as inner,
        context.wrap_socket(link, server_side=True) as outer,
    ):
        back = _background(_copy, inner, outer)
        _copy(outer, inner)
        inner.shutdown(socket.SHUT_WR)
        back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            sink.sendall(piece)


def _background(work: object, *arguments: object) -> threading.Thread:
    assert callable(work)
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread
