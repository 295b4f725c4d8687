"""One shard at work: its connections, as its lifeline wants them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from producer.intake import Intake
from producer.lifeline import ConnectBudget, Lifeline, Open, Policy
from producer.line import Gate, Line, Opener
from producer.logs import Log
from producer.metrics import Counters
from producer.protocol import Session
from producer.watchdog import LineWatch


@dataclass(frozen=True)
class Outfit:
    """What all shards share."""

    base_url: str
    intake: Intake
    counters: Counters
    log: Log
    rng: Random
    opener: Opener
    policy: Policy
    budget: ConnectBudget
    gate: Gate


class Crew:
    """The one or two connections of a shard, and those that are still being closed."""

    def __init__(self, number: int, outfit: Outfit) -> None:
        self.number = number
        self.lines: dict[int, Line] = {}
        self._outfit = outfit
        self._life = Lifeline(outfit.policy, outfit.budget, outfit.rng)
        self._watch: LineWatch | None = None
        self._connected_before = False

    @property
    def connected(self) -> bool:
        """Whether a connection stands that trades come by."""
        return self._life.connected

    @property
    def settled(self) -> bool:
        """Whether the newest connection stands and is subscribed to everything."""
        newest = self.lines.get(max(self.lines, default=0))
        return (
            newest is not None
            and newest.opened_at is not None
            and newest.session.subscriptions.settled
        )

    def age(self, now: float) -> float:
        """How long the newest connection has stood, in seconds; 0 where none does."""
        opened = [line.opened_at for line in self.lines.values() if line.opened_at is not None]
        return max(0.0, now - max(opened, default=now))

    def add(self, symbols: Sequence[str]) -> None:
        """Subscribe to these on every connection."""
        for line in self.lines.values():
            line.session.subscriptions.add(symbols)

    def remove(self, symbols: Sequence[str]) -> None:
        """Unsubscribe from these on every connection."""
        for line in self.lines.values():
            line.session.subscriptions.drop(symbols)

    def renew(self, symbol: str) -> None:
        """Unsubscribe and subscribe: the stream of this symbol is dead."""
        for line in self.lines.values():
            line.session.subscriptions.renew([symbol])

    def replace(self, reason: str) -> None:
        """Bring another connection into use, without a break."""
        self._life.replace_current(reason)

    def close(self, reason: str) -> None:
        """End all connections; what they have received is still handed over."""
        for line in self.lines.values():
            line.close(reason)

    def excuse(self, now: float) -> None:
        """Nobody listened until now."""
        for line in self.lines.values():
            if line.session.watch is not None:
                line.session.watch.excuse(now)

    def heard(self) -> Iterable[str]:
        """The symbols whose trades came since the last call."""
        heard: set[str] = set()
        for line in self.lines.values():
            heard |= line.heard
            line.heard.clear()
        return heard

    def follow(self, now: float) -> None:
        """Take in what became of the connections; an error of a task that is none of theirs."""
        for line in list(self.lines.values()):
            if line.opened_at is not None:
                self._attend(line, line.opened_at, now)
            if line.task is not None and line.task.done():
                del self.lines[line.number]
                self._ended(line, now)

    def step(self, symbols: Iterable[str], now: float) -> None:
        """Open or close what the lifeline wants, for these symbols."""
        step = self._life.step(now, self.settled)
        if isinstance(step, Open):
            self._open(step, list(symbols))
        elif step is not None:
            if step.rotated:
                self._outfit.counters.rotations += 1
                # Where the market was quiet, the silence so far was no fault of the new one.
                self.excuse(now)
            self._close(self.lines[step.line], step.reason)

    def _open(self, step: Open, symbols: list[str]) -> None:
        outfit = self._outfit
        session = Session(outfit.base_url, symbols)
        line = Line(step.line, step.why, session, self._watch, outfit.policy.silence)
        self.lines[step.line] = line
        line.start(outfit.opener, outfit.intake, outfit.counters, outfit.gate)

    def _attend(self, line: Line, opened_at: float, now: float) -> None:
        if not line.announced:
            self._stands(line, opened_at)
        watch = line.session.watch
        if line.trades and watch is not None:
            watch.heard(line.trades, now)
            line.trades = 0
            self._life.heard(line.number, now)
        if line.shutdown:
            self._life.replace(line.number, "the exchange shuts this server down")
        if line.closing:
            return
        request = line.session.subscriptions.requests(now)
        if request is not None:
            line.send(request)
            self._outfit.counters.requests_sent += 1
        silence = None if watch is None else watch.silent_for(now)
        if silence is not None:
            self._outfit.counters.silent_connections += 1
            self._close(line, f"no trade for {silence:.0f} s")

    def _stands(self, line: Line, opened_at: float) -> None:
        line.announced = True
        again = self._connected_before and not self.connected
        self._outfit.counters.reconnects += again
        self._connected_before = True
        self._life.opened(line.number, opened_at)
        self._watch = line.session.watch
        url = line.session.url
        self._outfit.log.info(
            "connected", url=url[:200], source=line.source, shard=self.number, why=line.why
        )

    def _ended(self, line: Line, now: float) -> None:
        assert line.task is not None
        error = None if line.task.cancelled() else line.task.exception()
        if error is not None:
            raise error
        counters = self._outfit.counters
        counters.connect_failures += line.opened_at is None and not line.closing
        counters.oversized_frames += line.lost.oversized
        if self._life.ended(line.number, now):
            self._outfit.log.warning(
                "connection_lost",
                reason=line.closing or line.lost.reason,
                shard=self.number,
                retry_seconds=round(self._life.retry_seconds, 3),
            )

    def _close(self, line: Line, reason: str) -> None:
        self._outfit.log.info("closing", reason=reason, shard=self.number)
        line.close(reason)
