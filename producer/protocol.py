"""The session with the exchange, without I/O: frames and clock readings in, what to do out.

The driver (pump.py) owns the socket and the clock. It calls `begin` or `lost` to learn the next
step, `opened` when a connection stands, `receive` for every frame and `tick` now and then. Every
frame gives exactly one outcome: a Trade, a Control or a DeadLetter. Times called `now` are seconds
of a monotonic clock; `ingest_time` is microseconds since 1970-01-01 UTC.

One connection at a time is known here. Rotation before the 24-hour limit and repair over REST
will add steps and outcomes; the driver's calls stay as they are.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, NamedTuple

from lakehouse.errors import SettingsError, UnreadableError
from lakehouse.exchanges.binance import event_of, parse_frame, parse_trade, stream_name
from lakehouse.trade import Source, Trade

MAX_STREAMS: Final = 1024
_MAX_DOUBLINGS: Final = 32


class Connect(NamedTuple):
    """Open a connection; its URL carries the subscription."""

    url: str


class Backoff(NamedTuple):
    """Wait so many seconds, then call `begin`."""

    seconds: float


class Close(NamedTuple):
    """End the present connection; what it has received already still counts."""

    reason: str


class Control(NamedTuple):
    """A frame about the connection, not a trade: `kind` is answer, error or shutdown."""

    kind: str
    detail: str
    then: Close | None = None


class DeadLetter(NamedTuple):
    """A frame that can't be read: its bytes as they came and the reason's stable name."""

    raw: bytes
    reason: str
    ingest_time: int


Outcome = Trade | Control | DeadLetter


@dataclass(frozen=True)
class Policy:
    """When to give up on a connection and how soon to try again; all times in seconds.

    The exchange allows 300 connection attempts in 5 minutes per address: `most_connects` in
    `window` keeps a margin, however often a connection that works is cut.
    """

    silence: float = 30.0
    first_backoff: float = 0.25
    most_backoff: float = 60.0
    most_connects: int = 250
    window: float = 300.0


class Session:
    """One subscription to the exchange's combined stream, across reconnects."""

    def __init__(
        self, base_url: str, symbols: Sequence[str], rng: Random, policy: Policy | None = None
    ) -> None:
        """SettingsError where there are more symbols than one connection carries."""
        self.url = stream_url(base_url, symbols)
        self._policy = policy or Policy()
        self._rng = rng
        self._connects: deque[float] = deque(maxlen=self._policy.most_connects)
        self._failures = 0
        self._source: Source = "ws"
        self._silent_since: float | None = None
        self._fresh = False

    def begin(self, now: float) -> Connect | Backoff:
        """The next step without a connection: connect, or wait where attempts were too many."""
        wait = self._window_wait(now)
        if wait > 0:
            return Backoff(wait)
        self._connects.append(now)
        return Connect(self.url)

    def opened(self, now: float, source: Source = "ws") -> None:
        """A connection stands; its trades are of this source."""
        self._source = source
        self._silent_since = now
        self._fresh = False

    def receive(self, raw: bytes, ingest_time: int) -> Outcome:
        """What one frame means. Never raises: what can't be read is a DeadLetter."""
        try:
            trade = parse_trade(event_of(parse_frame(raw)), ingest_time, self._source)
        except UnreadableError as error:
            return _control(raw) or DeadLetter(raw, error.reason, ingest_time)
        self._fresh = True
        return trade

    def tick(self, now: float) -> Close | None:
        """Close where the connection stands but brought no trade for `silence` seconds."""
        if self._silent_since is None:
            return None
        if self._fresh:
            self.excuse(now)
        elif now - self._silent_since > self._policy.silence:
            self._silent_since = None
            return Close(f"no trade for {self._policy.silence:g} s")
        return None

    def excuse(self, now: float) -> None:
        """Start the silence anew: trades came, or the driver itself did not read."""
        if self._fresh:
            self._failures = 0
        self._fresh = False
        if self._silent_since is not None:
            self._silent_since = now

    def lost(self, now: float) -> Backoff:
        """The connection ended or never stood: how long to wait (jittered, exponential)."""
        self.excuse(now)
        self._silent_since = None
        doubled = self._policy.first_backoff * 2 ** min(self._failures, _MAX_DOUBLINGS)
        ceiling = min(doubled, self._policy.most_backoff)
        self._failures += 1
        return Backoff(self._rng.uniform(ceiling / 2, ceiling))

    def _window_wait(self, now: float) -> float:
        if len(self._connects) < self._policy.most_connects:
            return 0.0
        return self._connects[0] + self._policy.window - now


def stream_url(base_url: str, symbols: Sequence[str]) -> str:
    """The combined-stream URL of these symbols' aggregate trades."""
    if not 0 < len(symbols) <= MAX_STREAMS:
        raise SettingsError(
            f"SYMBOLS holds {len(symbols)} symbols; one connection carries 1 to {MAX_STREAMS}.",
            "Split them over several producers.",
        )
    return f"{base_url}/stream?streams={'/'.join(map(stream_name, symbols))}"


def _control(raw: bytes) -> Control | None:
    """The control message in a frame that is no trade, if it is exactly one."""
    try:
        frame = parse_frame(raw)
        event = event_of(frame)
    except UnreadableError:
        return None
    if event.get("e") == "serverShutdown":
        return Control("shutdown", "serverShutdown", Close("the exchange shuts this server down"))
    return _answer(frame)


def _answer(frame: Mapping[str, Any]) -> Control | None:
    # Nothing but the exact shape: a damaged trade must not pass for an answer and vanish.
    request = frame.get("id", "")
    if not (request is None or type(request) is int or (isinstance(request, str) and request)):
        return None
    if frame.keys() == {"result", "id"}:
        return Control("answer", f"request {request}")
    if frame.keys() == {"error", "id"} and isinstance(frame["error"], dict):
        return Control("error", f"request {request}: {frame['error'].get('msg', '')}"[:200])
    return None
