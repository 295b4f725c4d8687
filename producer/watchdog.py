"""Is somebody silent who usually speaks? Pure: against a connection's or symbol's own usual rate.

Times are seconds of a monotonic clock.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Final

_MEMORY: Final = 0.02  # weight of one new gap among those before
_LINE_FACTOR, _LINE_LEAST, _LINE_MOST = 100.0, 5.0, 30.0
_SYMBOL_FACTOR, _SYMBOL_LEAST, _SYMBOL_MOST = 30.0, 10.0, 600.0
_GRACE_SHARE: Final = 0.2  # of the least silence
_RARE_FACTOR: Final = 10.0
_PATIENCE_MOST: Final = 600.0
_NEVER_SEEN: Final = 60.0
_PROBE_SECONDS: Final = 120.0
_AGAIN_SECONDS: Final = 600.0


class Pulse:
    """The usual seconds between trades: a moving average, None before the second trade."""

    def __init__(self, now: float) -> None:
        self.last = now
        self.usual: float | None = None
        self._began = False

    def beat(self, count: int, now: float) -> None:
        """`count` trades came since the last beat."""
        gap = max(now - self.last, 0.0) / count
        if not self._began:
            # The time before the first trade is that of connecting, not of the market.
            self._began = True
        elif self.usual is None:
            self.usual = gap
        else:
            self.usual += min(0.5, _MEMORY * count) * (gap - self.usual)
        self.last = now


class LineWatch:
    """Is one connection silent? Its successor knows what was usual."""

    def __init__(
        self, now: float, before: "LineWatch | None" = None, most_seconds: float = _LINE_MOST
    ) -> None:
        """`most_seconds`: longest silence until the first trade, and at most rates after it.

        Where the connection `before` brought nothing at all, this one gets twice its time.
        """
        self._most = most_seconds
        self._pulse = Pulse(now)
        self._patience = most_seconds
        self._heard = False
        if before is not None:
            self._pulse.usual = before._pulse.usual
            if not before._heard:
                self._patience = min(2 * before._patience, _PATIENCE_MOST)

    def heard(self, count: int, now: float) -> None:
        """So many trades came."""
        self._heard = True
        self._pulse.beat(count, now)

    def excuse(self, now: float) -> None:
        """Nobody listened until now."""
        self._pulse.last = max(self._pulse.last, now)

    def silent_for(self, now: float) -> float | None:
        """The seconds of a silence that is too long; None while all is well."""
        silence = now - self._pulse.last
        return silence if silence > self.limit else None

    @property
    def limit(self) -> float:
        """The silence that is borne now, in seconds."""
        usual = self._pulse.usual
        if usual is None:
            return self._patience
        # A market that trades once a minute is not dead after half of it.
        rare = min(_RARE_FACTOR * usual, _PATIENCE_MOST)
        if not self._heard:
            return max(self._patience, rare)
        return max(_clamp(_LINE_FACTOR * usual, _LINE_LEAST, self._most), rare)


class Verdict(Enum):
    """What is to be done about a symbol whose trades don't come."""

    RESUBSCRIBE = "resubscribe"
    REPLACE = "replace"


class _Symbol:
    __slots__ = (
        "asked_at",
        "dead",
        "found_at",
        "least",
        "patience",
        "pulse",
        "resubscribed_at",
        "seen",
    )

    def __init__(self, now: float, least: float) -> None:
        self.pulse = Pulse(now)
        self.least = least
        self.seen = False
        self.dead = False  # from the answer that shows it until its trades come live again
        self.patience = 0.0  # grows while the exchange confirms that the market is quiet
        self.asked_at: float | None = None
        self.found_at: float | None = None
        self.resubscribed_at: float | None = None

    @property
    def limit(self) -> float:
        usual = self.pulse.usual
        if not self.seen:
            least = _NEVER_SEEN
        elif usual is None:
            least = _SYMBOL_MOST
        else:
            least = _clamp(_SYMBOL_FACTOR * usual, self.least, _SYMBOL_MOST)
        return max(least, self.patience)

    def restart(self, now: float) -> None:
        self.pulse.last = max(self.pulse.last, now)
        self.asked_at = self.found_at = None


class SymbolWatch:
    """Which symbols are silent though the exchange has trades of them.

    `suspects` names those to ask the exchange about (a probe), `answered` takes its answer and
    `verdicts` tells which streams are dead.
    """

    def __init__(self, least_seconds: float = _SYMBOL_LEAST) -> None:
        """No silence shorter than `least_seconds` is suspect."""
        self._least = least_seconds
        self._symbols: dict[str, _Symbol] = {}

    def add(self, symbols: Iterable[str], now: float) -> None:
        """Watch these too."""
        for symbol in symbols:
            self._symbols.setdefault(symbol, _Symbol(now, self._least))

    def remove(self, symbols: Iterable[str]) -> None:
        """Watch these no longer."""
        for symbol in symbols:
            self._symbols.pop(symbol, None)

    def seen(self, symbol: str, count: int, now: float) -> None:
        """So many trades of a symbol came live since the last call."""
        state = self._symbols.get(symbol)
        if state is not None:
            state.pulse.beat(count, now)
            state.seen, state.dead, state.patience = True, False, 0.0
            state.asked_at = state.found_at = None

    def excuse(self, symbols: Iterable[str], now: float) -> None:
        """Nobody listened to these until now."""
        for symbol in symbols:
            if state := self._symbols.get(symbol):
                state.restart(now)

    def excuse_all(self, now: float) -> None:
        """Nobody listened to anything until now."""
        for state in self._symbols.values():
            state.restart(now)

    def suspects(self, now: float) -> list[str]:
        """Symbols silent for too long, each named once per silence that is too long."""
        found = [name for name, state in self._symbols.items() if _is_suspect(state, now)]
        for name in found:
            self._symbols[name].asked_at = now
        return found

    def answered(self, symbol: str, found: int, now: float) -> None:
        """The exchange has `found` trades of it that did not come; 0: the market is quiet."""
        state = self._symbols.get(symbol)
        if state is None or state.asked_at is None:
            return
        if found:
            # They may be on their way: the verdict waits for them.
            state.found_at = now
        else:
            state.patience = 2 * state.limit
            state.restart(now)

    def dead(self) -> list[str]:
        """Symbols that are silent, though the exchange has trades of them."""
        return [name for name, state in self._symbols.items() if state.dead]

    def verdicts(self, now: float) -> list[tuple[str, Verdict]]:
        """Symbols whose stream is dead, and what to do; each is told once."""
        return [
            (name, self._judge(state, now))
            for name, state in self._symbols.items()
            if state.found_at is not None and now - state.found_at >= _GRACE_SHARE * self._least
        ]

    def _judge(self, state: _Symbol, now: float) -> Verdict:
        before = state.resubscribed_at
        state.dead = True
        again = before is not None and now - before < _AGAIN_SECONDS
        state.resubscribed_at = None if again else now
        state.restart(now)
        return Verdict.REPLACE if again else Verdict.RESUBSCRIBE


def _is_suspect(state: _Symbol, now: float) -> bool:
    if state.asked_at is not None:
        # A probe that is never answered must not end the watching.
        return now - state.asked_at > _PROBE_SECONDS and state.found_at is None
    return now - state.pulse.last > state.limit


def _clamp(value: float, least: float, most: float) -> float:
    return min(max(value, least), most)
