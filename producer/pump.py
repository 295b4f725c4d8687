"""A bridge until __main__ starts the fleet itself."""

import asyncio
from random import Random
from typing import Final

from lakehouse.settings import load
from producer.fleet import Fleet
from producer.intake import Intake
from producer.logs import Log
from producer.metrics import Counters
from producer.protocol import Session

STOP_SECONDS: Final = 2.0


class _Nobody:
    def probe(self, symbol: str, from_id: int) -> None:
        """Nobody asks the exchange."""


class Pump:
    """One fleet, set up as the pump was."""

    def __init__(self, session: Session, intake: Intake, counters: Counters, log: Log) -> None:
        settings = load(
            binance_ws_url=session.base_url, symbols=tuple(session.subscriptions.wanted)
        )
        self._fleet = Fleet(settings, intake, _Nobody(), counters, log, Random())

    async def run(self, stop: asyncio.Event) -> None:
        """See Fleet."""
        await self._fleet.run(stop)
