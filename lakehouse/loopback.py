"""Whether a host is this very machine. Pure."""

from contextlib import suppress
from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """True for localhost and for every address of the loopback; other names are not looked up."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"
