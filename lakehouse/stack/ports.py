"""Ports on the loopback interface."""

import socket

from lakehouse.errors import ResourceError

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Different ports of 127.0.0.1 that nobody listens on at this moment."""
    held = [socket.socket() for _ in range(count)]
    try:
        for each in held:
            each.bind((LOOPBACK, 0))
        return [int(each.getsockname()[1]) for each in held]
    finally:
        for each in held:
            each.close()


def require_free(port: int, setting: str) -> int:
    """`port` itself; ResourceError if it can't be listened on, naming the setting to change."""
    with socket.socket() as trial:
        # As servers do: a port whose last connections are still fading away counts as free.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((LOOPBACK, port))
        except (OSError, OverflowError) as error:
            raise ResourceError(
                f"Port {port} ({setting}) can't be used: {_reason(error)}.",
                f"Set {setting} to another port, or end the program that uses this one.",
            ) from None
    return port


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower()
