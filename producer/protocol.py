"""The session of one connection, without I/O: frames and clock readings in, what to do out.

The driver (fleet.py) owns the socket and the clock. Every frame gives exactly one outcome: a
Trade, a Control or a DeadLetter. Times called `now` are seconds of a monotonic clock;
`ingest_time` is microseconds since 1970-01-01 UTC.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from lakehouse.errors import UnreadableError
from lakehouse.exchanges.binance import event_of, parse_frame, parse_trade
from lakehouse.exchanges.binance_quick import trade_of
from lakehouse.trade import Source, Trade
from producer.subscriptions import Subscriptions
from producer.watchdog import LineWatch

NOT_SUBSCRIBED: Final = "symbol_not_subscribed"


class Control(NamedTuple):
    """A frame about the connection, not a trade: `kind` is answer, error or shutdown."""

    kind: str
    detail: str
    request_id: int | str | None = None


class DeadLetter(NamedTuple):
    """A frame that can't be read: its bytes as they came and the reason's stable name."""

    raw: bytes
    reason: str
    ingest_time: int


Outcome = Trade | Control | DeadLetter


class Session:
    """One connection to the exchange's combined stream."""

    def __init__(self, base_url: str, symbols: Sequence[str]) -> None:
        self.subscriptions = Subscriptions(base_url, symbols)
        self.watch: LineWatch | None = None
        self._ever = self.subscriptions.ever
        self._source: Source = "ws"

    @property
    def url(self) -> str:
        """What to connect to; it carries the subscription as far as it fits."""
        return self.subscriptions.url

    def opened(self, watch: LineWatch, source: Source = "ws") -> None:
        """The connection stands; its trades are of this source."""
        self.watch = watch
        self._source = source

    def receive(self, raw: bytes, ingest_time: int) -> Outcome:
        """What one frame means. Never raises: what can't be read is a DeadLetter."""
        trade = trade_of(raw, ingest_time, self._source)
        if trade is None:
            return self._receive_unusual(raw, ingest_time)
        if trade.symbol in self._ever:
            return trade
        return DeadLetter(raw, NOT_SUBSCRIBED, ingest_time)

    def _receive_unusual(self, raw: bytes, ingest_time: int) -> Outcome:
        try:
            trade = parse_trade(event_of(parse_frame(raw)), ingest_time, self._source)
        except UnreadableError as error:
            control = _control(raw)
            if control is None:
                return DeadLetter(raw, error.reason, ingest_time)
            self._note(control)
            return control
        if trade.symbol in self._ever:
            return trade
        return DeadLetter(raw, NOT_SUBSCRIBED, ingest_time)

    def _note(self, control: Control) -> None:
        if control.kind == "answer":
            self.subscriptions.answered(control.request_id)
        elif control.kind == "error":
            self.subscriptions.refused(control.request_id)


def _control(raw: bytes) -> Control | None:
    """The control message in a frame that is no trade, if it is exactly one."""
    try:
        frame = parse_frame(raw)
        event = event_of(frame)
    except UnreadableError:
        return None
    if event.get("e") == "serverShutdown":
        return Control("shutdown", "serverShutdown")
    return _answer(frame)


def _answer(frame: Mapping[str, Any]) -> Control | None:
    # Nothing but the exact shape: a damaged trade must not pass for an answer and vanish.
    if frame.keys() == {"error"} and isinstance(frame["error"], dict):
        # So the exchange answers a request whose id it could not read.
        return Control("error", f"{frame['error'].get('msg', '')}"[:200])
    request = frame.get("id", "")
    if not (request is None or type(request) is int or (isinstance(request, str) and request)):
        return None
    if frame.keys() == {"result", "id"}:
        return Control("answer", f"request {request}"[:200], request)
    if frame.keys() == {"error", "id"} and isinstance(frame["error"], dict):
        detail = f"request {request}: {frame['error'].get('msg', '')}"
        return Control("error", detail[:200], request)
    return None
