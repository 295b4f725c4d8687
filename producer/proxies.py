"""The proxy that the environment names for a websocket address."""

from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from python_socks import ProxyError as SocksError

from lakehouse import loopback

_SCHEMES: Final = {
    "wss": ("wss", "socks", "https"),
    "ws": ("ws", "socks", "https", "http"),
}


class UnusableProxyError(Exception):
    """The proxy can't be used; the text names no credentials."""


# What a connection through a proxy may end with, beside OSError.
PROXY_ERRORS: Final = (UnusableProxyError, SocksError)


def is_loopback(url: str) -> bool:
    """Whether an address is one of this very machine."""
    return loopback.is_loopback(urlsplit(url).hostname or "")


def proxy_for(url: str) -> str | None:
    """The proxy's URL from *_PROXY, if any; never one for this very machine."""
    parts = urlsplit(url)
    if is_loopback(url) or proxy_bypass(parts.netloc):
        return None
    proxies = getproxies()
    found = [proxies[name] for name in _SCHEMES.get(parts.scheme, ()) if proxies.get(name)]
    return _usable(found[0]) if found else None


def _usable(proxy: str) -> str:
    text = proxy if "://" in proxy else f"http://{proxy}"
    # python-socks leaves names to the proxy by itself and does not know the "h".
    text = text.replace("socks5h://", "socks5://", 1)
    parts = urlsplit(text)
    if not parts.hostname or parts.scheme not in {"http", "https", "socks4", "socks5"}:
        raise UnusableProxyError("the proxy that the environment names can't be used")
    return text
