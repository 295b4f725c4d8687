"""The one module that talks HTTP to the exchange, within its weight budget.

Requests get their turn in the order in which they were made. Every failure is one of a small tree
of errors, told with a short, stable reason; nothing is tried again here.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Final

import aiohttp
import orjson

from lakehouse.trade import Trade
from producer.budget import BANNED, RATE_LIMITED, WINDOW_SECONDS, WeightBudget
from producer.metrics import Counters
from producer.proxies import is_loopback
from producer.rest_answers import read_agg_trades
from producer.rest_errors import (
    Banned,
    RateLimited,
    RestError,
    ServerError,
    Unreachable,
    WrongAnswer,
)

AGG_TRADES_WEIGHT: Final = 4
MAX_ROWS: Final = 1000
CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 10.0
_TOTAL_SECONDS: Final = 30.0
_MAX_PAGE_BYTES: Final = 4 * 1024 * 1024
# exchangeInfo with every symbol is about 15 MB.
_MAX_BYTES: Final = 64 * 1024 * 1024
_CHUNK_BYTES: Final = 64 * 1024
_LEAST_PAUSE: Final = 1.0
_LEAST_BAN: Final = 120.0
_LONGEST_PAUSE: Final = 3 * 86_400.0  # the longest ban that the exchange names
_USED: Final = "X-MBX-USED-WEIGHT-1M"
# 403 comes from the exchange's firewall, to those who are close to a ban.
_BANS: Final = (403, 418)


class RestClient:
    """A client of one exchange's REST interface; use it in one event loop, close it at the end."""

    def __init__(
        self,
        base_url: str,
        budget: WeightBudget,
        counters: Counters,
        clock: Callable[[], float] = time.monotonic,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        """`clock` gives the budget's time, in seconds; it must run as the event loop's does.

        An answer may be silent for `read_seconds`; 30 s is the most that one takes in all.
        """
        self._base_url = base_url
        self._budget = budget
        self._counters = counters
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(
            total=_TOTAL_SECONDS, connect=CONNECT_SECONDS, sock_read=read_seconds
        )
        self._turn = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    async def agg_trades(self, symbol: str, from_id: int, limit: int = MAX_ROWS) -> list[Trade]:
        """At most `limit` trades of a symbol with ids from `from_id` on, lowest first.

        Raises RestError; UnreadableRows is one that carries the rows that can be read.
        """
        params = {"symbol": symbol, "fromId": str(from_id), "limit": str(limit)}
        async with self._counted():
            body = await self._get("/api/v3/aggTrades", params, AGG_TRADES_WEIGHT, _MAX_PAGE_BYTES)
            return read_agg_trades(body, symbol, from_id, limit, time.time_ns() // 1000)

    async def get_json(self, path: str, params: Mapping[str, str], weight: int) -> Any:
        """The JSON of any path (`/api/v3/…`), 64 MiB at most; `weight` as the exchange counts it.

        Waits for its turn, and through every pause: limit the time around it. Raises RestError.
        """
        async with self._counted():
            body = await self._get(path, params, weight, _MAX_BYTES)
            try:
                return orjson.loads(body)
            except orjson.JSONDecodeError:
                raise WrongAnswer("not_json") from None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> "RestClient":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        try:
            yield
        except RestError as error:
            self._counters.rest_request(error.outcome)
            raise
        else:
            self._counters.rest_request("ok")
        finally:
            self._counters.rest_weight_used = self._budget.used_weight(self._clock())
            self._counters.rest_paused_seconds = self._budget.paused_seconds

    async def _get(
        self, path: str, params: Mapping[str, str], weight: int, most_bytes: int
    ) -> bytes:
        await self._take_turn(weight)
        try:
            async with self._open().get(
                self._base_url + path, params=params, allow_redirects=False
            ) as response:
                self._heed(response)
                return await _read(response, most_bytes)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Unreachable(type(error).__name__, str(error)) from None

    async def _take_turn(self, weight: int) -> None:
        # First come, first served: a heavy request would never find room among light ones.
        async with self._turn:
            while seconds := self._budget.wait(weight, self._clock()):  # noqa: ASYNC110
                await asyncio.sleep(seconds)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout, trust_env=not is_loopback(self._base_url)
            )
        return self._session

    def _heed(self, response: aiohttp.ClientResponse) -> None:
        """Take what the answer says of weight and waiting; raise where it is a refusal."""
        now, status, headers = self._clock(), response.status, response.headers
        used = headers.get(_USED, "")
        if used.isascii() and used.isdigit() and len(used) < 10:
            self._budget.used(int(used), now, _left_of_minute(headers))
        if status in _BANS:
            seconds = _retry_after(headers, _LEAST_BAN)
            self._budget.pause(seconds, now, BANNED)
            raise Banned(seconds, f"status_{status}")
        if status == 429:
            seconds = _retry_after(headers, WINDOW_SECONDS)
            self._budget.pause(seconds, now, RATE_LIMITED)
            raise RateLimited(seconds)
        if status >= 500:
            raise ServerError(f"status_{status}")


async def _read(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > most_bytes:
            raise WrongAnswer("too_large")
    if response.status != 200:
        raise WrongAnswer(f"status_{response.status}", body[:200].decode(errors="replace"))
    return bytes(body)


def _retry_after(headers: Mapping[str, str], missing: float) -> float:
    """Seconds to wait; the header is a number, or by the book a date."""
    text = headers.get("Retry-After", "").strip()
    with suppress(ValueError):
        if text.isascii() and text.isdigit():
            return min(max(float(text), _LEAST_PAUSE), _LONGEST_PAUSE)
        until = parsedate_to_datetime(text)
        if until.tzinfo is not None:
            seconds = (until - datetime.now(UTC)).total_seconds()
            return min(max(seconds, _LEAST_PAUSE), _LONGEST_PAUSE)
    return missing


def _left_of_minute(headers: Mapping[str, str]) -> float:
    """How long the exchange's minute lasts at most, by its own clock's full second."""
    with suppress(ValueError):
        return WINDOW_SECONDS + 1 - parsedate_to_datetime(headers.get("Date", "")).second
    return WINDOW_SECONDS
