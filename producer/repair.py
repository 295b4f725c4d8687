"""Fetches what is missing over REST and hands it over; never gives a gap up in silence.

What to ask next is decided in backlog.py, repair_line.py and repair_page.py; here are the clock,
the requests under way and the logs.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import Final, Protocol

from lakehouse.trade import Trade
from producer.backlog import Backlog
from producer.budget import WeightBudget
from producer.intake import Intake
from producer.logs import Limit, Log
from producer.metrics import Counters
from producer.protocol import DeadLetter
from producer.repair_line import NEVER, Patience
from producer.repair_page import Kind, Page, wanted_of
from producer.rest import AGG_TRADES_WEIGHT
from producer.rest_errors import Banned, RateLimited, RestError, UnreadableRow, UnreadableRows
from producer.sequencer import Gap

MOST_IN_FLIGHT: Final = 4
_NO_ROOM_SECONDS: Final = 0.02
_BREATHE_EVERY: Final = 200
_LOG_SECONDS: Final = 5.0
_LONGEST_SLEEP: Final = 3600.0
_MAX_TOLD: Final = 10_000


class TradesClient(Protocol):
    """What is needed of RestClient."""

    async def agg_trades(self, symbol: str, from_id: int, limit: int) -> list[Trade]:
        """See RestClient."""
        ...


class Repairer:
    """Takes requests at any time; `run` works on them. All in one event loop.

    `on_probe` is called with the symbol and the number of trades that a probe found and that were
    not known by then.
    """

    def __init__(
        self,
        client: TradesClient,
        intake: Intake,
        budget: WeightBudget,
        counters: Counters,
        log: Log,
        rng: Random,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` must be the one that the budget goes by, and run as the event loop's does."""
        self.on_probe: Callable[[str, int], None] = _nobody
        self._client = client
        self._intake = intake
        self._budget = budget
        self._counters = counters
        self._log = log
        self._clock = clock
        self._backlog = Backlog(rng, patience)
        self._in_flight = 0
        self._changed = asyncio.Event()
        self._limit = Limit(_LOG_SECONDS)
        self._told: set[tuple[str, int]] = set()

    @property
    def pending(self) -> int:
        """Ranges and probes not finished."""
        return self._backlog.pending

    def request(self, gap: Gap) -> None:
        """Fetch these ids; what is asked for already is not fetched twice. Never blocks."""
        self._backlog.want(gap.symbol, gap.from_id, gap.to_id)
        self._changed.set()

    def probe(self, symbol: str, from_id: int) -> None:
        """Is there anything from this id on? It is handed over, then `on_probe` is called."""
        self._backlog.probe(symbol, from_id)
        self._changed.set()

    async def run(self) -> None:
        """Repair until cancelled; what was not finished then is taken up by the next `run`.

        What the intake raises ends it.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._work(tasks)
        except ExceptionGroup as group:
            raise group.exceptions[0] from None  # as it is: the caller knows its kind

    async def _work(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            self._changed.clear()
            while (seconds := self._start(tasks)) == 0:  # noqa: ASYNC110
                await asyncio.sleep(0)  # it books its weight before the next one is chosen
            self._counters.repair_pending = self.pending
            with suppress(TimeoutError):
                async with asyncio.timeout(min(seconds, _LONGEST_SLEEP)):
                    await self._changed.wait()

    def _start(self, tasks: asyncio.TaskGroup) -> float:
        """Begin the most urgent request; the seconds until one may begin, 0 if one has."""
        if self._in_flight >= MOST_IN_FLIGHT:
            return NEVER
        now = self._clock()
        # What is the most urgent is decided when there is room for it, not before.
        room = self._budget.room(AGG_TRADES_WEIGHT, now)
        wait = max(self._backlog.next_at() - now, room)
        if wait > 0:
            return wait
        page = self._backlog.take(now)
        if page is None:
            return NEVER  # large gaps only, and no more of them at once: one will end
        self._in_flight += 1
        tasks.create_task(self._serve(page))
        return 0

    async def _serve(self, page: Page) -> None:
        try:
            await self._fetch(page)
        finally:
            self._in_flight -= 1
            self._backlog.give_back(page)
            self._changed.set()

    async def _fetch(self, page: Page) -> None:
        try:
            trades = await self._client.agg_trades(page.symbol, page.from_id, page.limit)
        except UnreadableRows as error:
            if self._backlog.endures(page):
                self._failed(page, error)
            else:
                await self._take(page, error.trades, error.rows)
        except RestError as error:
            self._failed(page, error)
        else:
            await self._take(page, trades, ())

    async def _take(
        self, page: Page, trades: Sequence[Trade], unreadable: Sequence[UnreadableRow]
    ) -> None:
        last_id = self._intake.last_id(page.symbol)
        await self._hand_over(wanted_of(page, trades))
        for row in unreadable:
            await self._bury(page, row)
        ids = [row.agg_id for row in unreadable if row.agg_id is not None]
        rows = len(trades) + len(unreadable)
        for lo, hi in self._backlog.learn(page, trades, self._clock(), ids, rows):
            self._give_up(page.symbol, lo, hi)
        if page.kind is Kind.PROBE:
            self.on_probe(page.symbol, sum(_is_new(trade, last_id) for trade in trades))
        fields = {"symbol": page.symbol, "kind": page.kind.value, "from_id": page.from_id}
        self._tell("repair_page", level="info", rows=rows, **fields)

    async def _hand_over(self, trades: Sequence[Trade]) -> None:
        for number, trade in enumerate(trades, 1):
            while not self._intake.offer_repaired(trade):  # noqa: ASYNC110
                await asyncio.sleep(_NO_ROOM_SECONDS)
            if number % _BREATHE_EVERY == 0:
                await asyncio.sleep(0)

    async def _bury(self, page: Page, row: UnreadableRow) -> None:
        """Put a row that can't be read into the dead letters, once."""
        known = (page.symbol, hash(row.raw))
        if known in self._told:
            return
        letter = DeadLetter(row.raw, row.reason, time.time_ns() // 1000)
        while not self._intake.offer(letter):  # noqa: ASYNC110
            await asyncio.sleep(_NO_ROOM_SECONDS)
        self._counters.rest_trades += 1
        if len(self._told) >= _MAX_TOLD:
            self._told.clear()
        self._told.add(known)

    def _give_up(self, symbol: str, lo: int, hi: int) -> None:
        self._counters.rest_absent_ids += hi - lo + 1
        self._intake.absent(symbol, lo, hi)

    def _failed(self, page: Page, error: RestError) -> None:
        if isinstance(error, RateLimited | Banned):  # the whole budget pauses; nobody is to blame
            self._tell("rest_paused", reason=error.reason, seconds=error.retry_after)
            return
        seconds = round(self._backlog.failed(page, self._clock()), 3)
        fields = {"symbol": page.symbol, "reason": error.reason, "detail": error.detail}
        self._tell("repair_failed", from_id=page.from_id, retry_seconds=seconds, **fields)

    def _tell(self, event: str, *, level: str = "warning", **fields: object) -> None:
        unsaid = self._limit.ask(event, self._clock())
        if unsaid is not None:
            getattr(self._log, level)(event, unsaid=unsaid, **fields)


def _is_new(trade: Trade, last_id: int | None) -> bool:
    return last_id is None or trade.agg_id > last_id


def _nobody(symbol: str, found: int) -> None:
    """Nobody asked."""
    del symbol, found
