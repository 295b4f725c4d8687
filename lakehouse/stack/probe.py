"""Does a Kafka broker answer? Asked by hand, without a client library.

Layouts: https://kafka.apache.org/protocol (ApiVersions, version 0).
"""

import socket
import struct
import time
from typing import Final

from lakehouse.errors import SettingsError, UnreachableError

_API_VERSIONS: Final = 18
_CLIENT: Final = b"firehose"


def ping(bootstrap_servers: str, timeout_seconds: float) -> str:
    """The first `host:port` of the comma list whose broker answers an ApiVersions request.

    Each is given an equal share of the time. UnreachableError tells what each of them did;
    SettingsError for an address that is none.
    """
    addresses = [address(text) for text in bootstrap_servers.split(",")]
    failures = []
    for host, port in addresses:
        try:
            _api_versions(host, port, timeout_seconds / len(addresses))
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


def _api_versions(host: str, port: int, timeout_seconds: float) -> None:
    """OSError if no answer comes in time, ValueError if what comes is no broker's."""
    deadline = time.monotonic() + timeout_seconds
    correlation = 0x46697265
    header = struct.pack(">hhih", _API_VERSIONS, 0, correlation, len(_CLIENT)) + _CLIENT
    with socket.create_connection((host, port), timeout_seconds) as link:
        link.sendall(struct.pack(">i", len(header)) + header)
        size, returned, error = struct.unpack(">iih", _exactly(link, 10, deadline))
    if returned != correlation or error != 0 or not 10 <= size < 1_000_000:
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
