"""Where trades come from when it isn't the live exchange: a simulator to start and to ask."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakehouse.errors import UnreachableError
from lakehouse.pipeline.direct import OPENER


@dataclass(frozen=True)
class Feed:
    """What the simulator plays: recorded files, or a seeded market of `symbols`.

    `trades` ends the market after so many; `speed` 0 plays as fast as it is taken.
    """

    replay: tuple[Path, ...] = ()
    speed: float = 1.0
    symbols: tuple[str, ...] = ()
    rate: float = 100.0
    trades: int | None = None
    seed: int = 0
    start: str | None = None
    spike_every: float = 0.0
    faults: tuple[str, ...] = ()

    @property
    def ends(self) -> bool:
        """Whether the feed comes to an end by itself."""
        return bool(self.replay) or self.trades is not None

    def command(self, ready_file: Path) -> list[str]:
        """The command line of the simulator."""
        words = [sys.executable, "-m", "producer.simulator", "--ready-file", str(ready_file)]
        words += ["--speed", str(self.speed), "--seed", str(self.seed)]
        words += [word for fault in self.faults for word in ("--fault", fault)]
        return words + (self._replay() if self.replay else self._market())

    def _replay(self) -> list[str]:
        return ["--replay", *(str(path.resolve()) for path in self.replay)]

    def _market(self) -> list[str]:
        words = ["--symbols", ",".join(self.symbols), "--rate", str(self.rate)]
        words += ["--spike-every", str(self.spike_every)]
        words += ["--trades", str(self.trades)] if self.trades is not None else []
        return words + (["--start", self.start] if self.start else [])


@dataclass(frozen=True)
class Extent:
    """What the exchange made of one symbol: ids from first to last, `count` of them."""

    symbol: str
    first_id: int
    last_id: int
    count: int


@dataclass(frozen=True)
class SimulatedExchange:
    """A running simulator, asked over its control interface."""

    host: str
    port: int
    symbols: tuple[str, ...]

    @classmethod
    def from_ready_file(cls, path: Path) -> "SimulatedExchange":
        """The simulator that wrote `path`."""
        found = json.loads(path.read_text(encoding="utf-8"))
        return cls(found["host"], found["port"], tuple(found["symbols"]))

    @property
    def ws_url(self) -> str:
        """For BINANCE_WS_URL."""
        return f"ws://{self.host}:{self.port}"

    @property
    def rest_url(self) -> str:
        """For BINANCE_REST_URL."""
        return f"http://{self.host}:{self.port}"

    def status(self) -> dict[str, Any]:
        """frames_total, frames_sent, finished, connections, …"""
        return self._get("/control/status")

    def truth(self) -> Sequence[Extent]:
        """What was produced of each symbol, whether or not a fault withheld it."""
        found = self._get("/control/truth")["symbols"]
        return [Extent(symbol, **extent) for symbol, extent in found.items()]

    def _get(self, path: str) -> dict[str, Any]:
        try:
            with OPENER.open(self.rest_url + path, timeout=10) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except (OSError, ValueError) as error:
            raise UnreachableError(f"The simulator does not answer: {error}.") from None
