"""What a log line may hold and how often it may come: no secrets, no floods, always JSON."""

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from structlog import DropEvent
from structlog.typing import EventDict, WrappedLogger

MASK: Final = "***"
MAX_KEYS: Final = 500
OTHER: Final = "other"
BURST: Final = 20
BURST_SECONDS: Final = 10.0
_MAX_TEXT: Final = 8_000
_MAX_ITEMS: Final = 100
_MAX_DEPTH: Final = 4
_MAX_INT: Final = 2**63
# Before the host only: what the exchange's stream names hold behind it (`btcusdt@aggTrade`) stays.
_USER: Final = re.compile(r"(?<=://)[^\s/?#]*@")
_QUERY: Final = re.compile(
    r"([?&;][\w.-]*(?:key|token|secret|passw(?:or)?d|sig(?:nature)?|auth)=)[^&;#\s\"']+", re.I
)


class Clean:
    """A processor that makes of every value plain JSON of bounded size, with secrets masked.

    Masked are the given secrets wherever they stand, user and password in addresses, and
    credentials in queries.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        longest_first = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        pattern = "|".join(map(re.escape, longest_first))
        self._secrets = re.compile(pattern) if pattern else None

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        """The event with clean values."""
        del logger, name
        return {str(key): self._value(value, 0) for key, value in event.items()}

    def text(self, text: str) -> str:
        """The text, masked and cut; what UTF-8 can't hold becomes a question mark."""
        if self._secrets is not None:
            text = self._secrets.sub(MASK, text)
        text = _QUERY.sub(rf"\1{MASK}", _USER.sub(f"{MASK}@", text))
        if len(text) > _MAX_TEXT:  # the end of a traceback says the most
            text = f"{text[: _MAX_TEXT // 2]} … {text[-_MAX_TEXT // 2 :]}"
        return text.encode("utf-8", "replace").decode()

    def _value(self, value: object, depth: int) -> Any:
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, int) and abs(value) < _MAX_INT:
            return value
        if depth < _MAX_DEPTH and isinstance(value, Mapping):
            items = list(value.items())[:_MAX_ITEMS]
            return {self.text(str(key)): self._value(each, depth + 1) for key, each in items}
        if depth < _MAX_DEPTH and isinstance(value, list | tuple | set | frozenset):
            return [self._value(each, depth + 1) for each in list(value)[:_MAX_ITEMS]]
        return self.text(_plain(value))


class Flood:
    """A processor that lets BURST lines of an event through in BURST_SECONDS, in the long run.

    The next line after those held back says in `unsaid` how many they were. This is the bound
    behind all others: who logs in a loop need not think of it. `clock` gives monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: dict[str, tuple[float, float]] = {}
        self._held: dict[str, int] = {}

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        """The event, or DropEvent."""
        del logger, name
        key = str(event.get("event", ""))
        with self._lock:
            key = key if key in self._tokens or len(self._tokens) < MAX_KEYS else OTHER
            if not self._take(key):
                self._held[key] = self._held.get(key, 0) + 1 + int(event.get("unsaid", 0))
                raise DropEvent
            held = self._held.pop(key, 0)
        if held:
            event["unsaid"] = held + int(event.get("unsaid", 0))
        return event

    def untold(self) -> dict[str, int]:
        """Lines held back and not told of since, by event."""
        with self._lock:
            return dict(self._held)

    def _take(self, key: str) -> bool:
        now = self._clock()
        tokens, then = self._tokens.get(key, (float(BURST), now))
        tokens = min(float(BURST), tokens + (now - then) * BURST / BURST_SECONDS)
        enough = tokens >= 1
        self._tokens[key] = (tokens - 1 if enough else tokens, now)
        return enough


class Limit:
    """Lets a line through once per window; says how many were held back since.

    Beyond MAX_KEYS keys whose window lasts, further ones share one.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def ask(self, key: str, now: float) -> int | None:
        """None: don't say it. A number: say it, so many like it were not said before."""
        if key not in self._next and len(self._next) >= MAX_KEYS:
            key = self._room_for(key, now)
        if now < self._next.get(key, float("-inf")):
            self._held[key] = self._held.get(key, 0) + 1
            return None
        self._next[key] = now + self._seconds
        return self._held.pop(key, 0)

    def _room_for(self, key: str, now: float) -> str:
        # One with lines held back stays: their number is still to be told.
        past = [old for old, end in self._next.items() if end <= now and old not in self._held]
        for old in past:
            del self._next[old]
        return key if past else OTHER


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    try:
        return str(value)
    except Exception:  # a broken __str__ must not end the process that logs it
        return f"<{type(value).__name__}>"
