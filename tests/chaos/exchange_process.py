"""The simulated exchange as a process of its own: faults at run time, and the truth it tells."""

import json
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

from producer.simulator.frames import Tick
from producer.simulator.market import Market, MarketSpec
from tests.commands import wait_for

_ANSWER_SECONDS = 20.0


class MarketOrder(NamedTuple):
    """A seeded market: `rate` in trades per second over all symbols; `trades` None: endless."""

    symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    rate: float = 1500.0
    seed: int = 1
    trades: int | None = None
    options: tuple[str, ...] = ()


class ExchangeProcess:
    """`python -m producer.simulator` on a free port; its trades are known here one by one."""

    def __init__(self, folder: Path, order: MarketOrder) -> None:
        self.order = order
        self.log = folder / "exchange.log"
        start_ms = time.time_ns() // 1_000_000
        self.spec = MarketSpec(
            order.symbols, order.seed, order.rate, start_ns=start_ms * 1_000_000
        )._replace(trades=order.trades)
        self.market = Market(self.spec)
        ready = folder / "exchange.json"
        ready.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_command(order, start_ms), "--ready-file", str(ready)], stdout=log, stderr=log
            )
        wait_for(ready.exists, 30, "the exchange")
        self.port = int(json.loads(ready.read_bytes())["port"])

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def rest_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def tick(self, symbol: str, agg_id: int) -> Tick:
        """The trade with this id, by the market's formula."""
        return self.market.tick(self.order.symbols.index(symbol), agg_id)

    def last_ids(self) -> dict[str, int]:
        """The last id of each symbol that the exchange has produced by now."""
        told = self._ask("GET", "/control/truth")["symbols"]
        return {symbol: int(extent["last_id"]) for symbol, extent in told.items()}

    def status(self) -> dict[str, Any]:
        """What `/control/status` tells."""
        return self._ask("GET", "/control/status")

    def truth(self) -> dict[str, Any]:
        """What `/control/truth` tells."""
        return self._ask("GET", "/control/truth")

    def arm(self, *faults: str) -> None:
        """Arm faults in their text form."""
        self._ask("POST", "/control/faults", list(faults))

    def disarm(self) -> None:
        """No more faults; what was held back is still sent."""
        self._ask("DELETE", "/control/faults")

    def struck(self, kind: str) -> int:
        """How often faults of a kind have struck."""
        return int(self.status()["faults"].get(kind, 0))

    def until_struck(self, kind: str, times: int = 1, seconds: float = 30.0) -> None:
        """Wait until faults of this kind have struck so often."""
        wait_for(lambda: self.struck(kind) >= times, seconds, f"{times} of the fault {kind}")

    def end(self) -> None:
        """End the process; it is no error if it has ended."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.rest_url + path, data, method=method)
        with urlopen(request, timeout=_ANSWER_SECONDS) as answer:
            told: dict[str, Any] = json.loads(answer.read())
        return told


def _command(order: MarketOrder, start_ms: int) -> list[str]:
    start = datetime.fromtimestamp(start_ms / 1000, UTC).isoformat(timespec="milliseconds")
    words = [sys.executable, "-m", "producer.simulator", "--symbols", ",".join(order.symbols)]
    words += ["--rate", str(order.rate), "--seed", str(order.seed), "--start", start]
    words += ["--trades", str(order.trades)] if order.trades is not None else []
    return [*words, *order.options]
