"""Does a Kafka broker answer? Asked by hand, without a client library.

Layouts: https://kafka.apache.org/protocol (ApiVersions, version 0).
"""

import socket
import ssl
import struct
import time
from contextlib import ExitStack
from typing import Final

from lakehouse.errors import SettingsError, UnreachableError

_API_VERSIONS: Final = 18
_CLIENT: Final = b"firehose"


def ping(bootstrap_servers: str, timeout_seconds: float, tls: ssl.SSLContext | None = None) -> str:
    """The first `host:port` of the comma list whose broker answers an ApiVersions request.

    Each is given an equal share of the time. UnreachableError tells what each of them did;
    SettingsError for an address that is none.
    """
    addresses = [address(text) for text in bootstrap_servers.split(",")]
    failures = []
    for host, port in addresses:
        try:
            _api_versions(host, port, timeout_seconds / len(addresses), tls)
            return f"{host}:{port}"
        except (OSError, ValueError) as error:
            failures.append(f"{host}:{port}: {_reason(error)}")
    raise UnreachableError(
        f"No Kafka broker answers ({'; '.join(failures)}).",
        "Check KAFKA_BOOTSTRAP_SERVERS and that the broker runs; leave it empty for an own one.",
    )


def address(text: str) -> tuple[str, int]:
    """(host, port) of `host:port` or `[v6 host]:port`, also behind a `PROTOCOL://`."""
    host, _, port = text.strip().rpartition("://")[2].rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise SettingsError(
            f"KAFKA_BOOTSTRAP_SERVERS: {text.strip()!r} is not host:port.",
            "Write for example localhost:9092, several with commas between them.",
        )
    return host.strip("[]"), int(port)


def request(
    where: tuple[str, int],
    key: int,
    version: int,
    body: bytes,
    timeout_seconds: float,
    tls: ssl.SSLContext | None,
    most_bytes: int = 1_000_000,
) -> bytes:
    """What a broker answers to one request with a header of version 1, without its correlation.

    No more than `most_bytes` of it are waited for. OSError (ssl.SSLError is one) if no answer
    comes in time, ValueError if it is no broker's.
    """
    deadline = time.monotonic() + timeout_seconds
    correlation = 0x46697265
    header = struct.pack(">hhih", key, version, correlation, len(_CLIENT)) + _CLIENT
    with ExitStack() as stack:
        link = stack.enter_context(socket.create_connection(where, timeout_seconds))
        if tls is not None:
            link = stack.enter_context(tls.wrap_socket(link, server_hostname=where[0]))
        link.sendall(struct.pack(">i", len(header) + len(body)) + header + body)
        size, returned = struct.unpack(">ii", _exactly(link, 8, deadline))
        if returned != correlation or not 6 <= size < 1_000_000:
            raise ValueError("something answers that is no Kafka broker")
        return _exactly(link, min(size - 4, most_bytes), deadline)


def _api_versions(host: str, port: int, seconds: float, tls: ssl.SSLContext | None) -> None:
    error = request((host, port), _API_VERSIONS, 0, b"", seconds, tls, most_bytes=2)
    if error != b"\0\0":
        raise ValueError("something answers that is no Kafka broker")


def _exactly(link: socket.socket, count: int, deadline: float) -> bytes:
    read = b""
    while len(read) < count:
        link.settimeout(max(0.001, deadline - time.monotonic()))
        part = link.recv(count - len(read))
        if not part:
            raise ConnectionError("the connection was closed without an answer")
        read += part
    return read


def _reason(error: Exception) -> str:
    told = getattr(error, "strerror", None)
    return str(told).lower() if told else str(error) or type(error).__name__
