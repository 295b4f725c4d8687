"""SUBSCRIBE and UNSUBSCRIBE on one connection: what to ask for, when, and whether it was answered.

Pure. The exchange takes 5 messages a second, pongs included; these are SPACING seconds apart.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple

import orjson

from lakehouse.exchanges.binance import stream_name

MAX_STREAMS: Final = 1024
MAX_URL: Final = 4000
CHUNK: Final = 200
SPACING: Final = 0.35
_ANSWER_SECONDS: Final = 10.0
_REFUSED_SECONDS: Final = 60.0


class _Request(NamedTuple):
    method: str
    symbols: tuple[str, ...]
    due: float


class Subscriptions:
    """The symbols of one connection: those in its URL, and those that are asked for later."""

    def __init__(self, base_url: str, symbols: Sequence[str]) -> None:
        """As many symbols as fit stand in `url`; `requests` brings the rest."""
        self.wanted = dict.fromkeys(symbols)
        self.ever = set(symbols)
        self.url, fitting = stream_url(base_url, symbols)
        self._to_add = dict.fromkeys(symbols[fitting:])
        self._to_drop: dict[str, None] = {}
        self._asked: dict[int, _Request] = {}
        self._next_id = 1
        self._next_at = float("-inf")

    @property
    def settled(self) -> bool:
        """Whether the exchange has confirmed everything that is wanted."""
        return not (self._to_add or self._to_drop or self._asked)

    def add(self, symbols: Iterable[str]) -> None:
        """Ask for these."""
        for symbol in symbols:
            self.wanted[symbol] = None
            self.ever.add(symbol)
            self._to_add[symbol] = None

    def drop(self, symbols: Iterable[str]) -> None:
        """No longer ask for these; what still comes of them is still expected."""
        for symbol in symbols:
            self.wanted.pop(symbol, None)
            self._to_add.pop(symbol, None)
            self._to_drop[symbol] = None

    def renew(self, symbols: Iterable[str]) -> None:
        """Drop and add these: the stream is dead though it is subscribed."""
        for symbol in symbols:
            if symbol in self.wanted:
                self._to_drop[symbol] = None
                self._to_add[symbol] = None

    def requests(self, now: float) -> str | None:
        """The message to send now, if any; what was not answered in time is asked again."""
        self._ask_again(now)
        if now < self._next_at or not (self._to_drop or self._to_add):
            return None
        # Drops go first, so that a stream which is renewed ends up subscribed.
        method, waiting = (
            ("UNSUBSCRIBE", self._to_drop) if self._to_drop else ("SUBSCRIBE", self._to_add)
        )
        symbols = tuple(islice(waiting, CHUNK))
        for symbol in symbols:
            del waiting[symbol]
        self._next_at = now + SPACING
        return self._request(_Request(method, symbols, now + _ANSWER_SECONDS))

    def answered(self, request_id: object) -> None:
        """The exchange has done what this request asked for."""
        if type(request_id) is int:
            self._asked.pop(request_id, None)

    def refused(self, request_id: object) -> None:
        """The exchange will not; it is asked again, but later."""
        if type(request_id) is int and (request := self._asked.get(request_id)):
            later = request.due - _ANSWER_SECONDS + _REFUSED_SECONDS
            self._asked[request_id] = request._replace(due=later)

    def _request(self, request: _Request) -> str:
        number, self._next_id = self._next_id, self._next_id + 1
        self._asked[number] = request
        params = list(map(stream_name, request.symbols))
        return orjson.dumps({"method": request.method, "params": params, "id": number}).decode()

    def _ask_again(self, now: float) -> None:
        for number in [number for number, asked in self._asked.items() if now >= asked.due]:
            request = self._asked.pop(number)
            wanted = [symbol for symbol in request.symbols if symbol in self.wanted]
            self._to_add.update(dict.fromkeys(wanted))
            if request.method == "UNSUBSCRIBE":
                # Whether it was carried out is not known: what is wanted comes back after it.
                self._to_drop.update(dict.fromkeys(request.symbols))


def stream_url(base_url: str, symbols: Sequence[str]) -> tuple[str, int]:
    """The combined-stream URL of the first symbols, and how many fit below MAX_URL characters."""
    url, count = f"{base_url}/stream?streams=", 0
    for symbol in symbols:
        longer = f"{url}{'/' if count else ''}{stream_name(symbol)}"
        if count and len(longer) >= MAX_URL:
            break
        url, count = longer, count + 1
    return url, count
