"""A recording whose newest minute is a spike: 45 quiet minutes that end now, then a jump.

`firehose run --replay FILE --speed 1` plays it. Frames come in the order of their event times, and
windows go by trade times: so the quiet past is sent at once, and the jump when the test wants it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

_MINUTE_MS = 60_000
_QUIET_MINUTES = 45
_A_MINUTE = 4
_JUMP_TRADES = 5
_FIRST_ID = 1_000_000
_USUAL, _UP, _DOWN = Decimal("100"), Decimal("103.5"), Decimal("96.5")


@dataclass(frozen=True)
class Spike:
    """What Gold is to say of it. `trades`: of all symbols in the recording."""

    symbol: str
    minute_ts: datetime
    open: Decimal
    close: Decimal
    reasons: tuple[str, ...]
    trades: int

    @property
    def event_id(self) -> str:
        """The id of its event."""
        return f"binance-{self.symbol}-{self.minute_ts:%Y-%m-%dT%H:%M:%SZ}"


def record_spike(
    path: Path,
    symbol: str = "BTCUSDT",
    quiet: Sequence[str] = ("ETHUSDT",),
    after_seconds: float = 0.0,
    up: bool = True,
    at: datetime | None = None,
) -> Spike:
    """Write the frames to `path`; the jump is sent `after_seconds` after the first of them.

    Its trades are of `at` (default: now), the quiet minutes come before. `quiet` symbols have no
    spike.
    """
    now_ms = int((at or datetime.now(UTC)).timestamp() * 1000)
    # All trades of the jump in one minute, however late in it: none in the future.
    jump_ms = max(now_ms - _JUMP_TRADES, now_ms - now_ms % _MINUTE_MS)
    lines = [line for name in (symbol, *quiet) for line in _past(name, jump_ms)]
    close = _UP if up else _DOWN
    lines += _jump(symbol, jump_ms, jump_ms + round(after_seconds * 1000), close)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    minute = datetime.fromtimestamp(jump_ms // _MINUTE_MS * 60, UTC)
    reasons = ("return_up" if up else "return_down", "volume_high")
    return Spike(symbol, minute, close, close, reasons, len(lines))


def _past(symbol: str, jump_ms: int) -> Iterator[str]:
    """Four trades a minute; closes that differ by a ten-thousandth."""
    minute = jump_ms // _MINUTE_MS - _QUIET_MINUTES
    for n in range(_QUIET_MINUTES * _A_MINUTE):
        back, part = divmod(n, _A_MINUTE)
        time_ms = (minute + back) * _MINUTE_MS + part * 15_000
        price = _USUAL + Decimal(back % 3) / 100
        yield _frame(symbol, _FIRST_ID + n, price, "1", time_ms, jump_ms)


def _jump(symbol: str, time_ms: int, sent_ms: int, price: Decimal) -> Iterator[str]:
    first = _FIRST_ID + _QUIET_MINUTES * _A_MINUTE
    for n in range(_JUMP_TRADES):
        # Within one millisecond of each other where a minute has only just begun.
        at = min(time_ms + n, time_ms - time_ms % _MINUTE_MS + _MINUTE_MS - 1)
        yield _frame(symbol, first + n, price, "40", at, sent_ms + n)


def _frame(symbol: str, agg_id: int, price: Decimal, qty: str, trade_ms: int, sent_ms: int) -> str:
    event = {
        "e": "aggTrade", "E": sent_ms, "s": symbol, "a": agg_id, "p": f"{price:.8f}",
        "q": f"{Decimal(qty):.8f}", "f": 2 * agg_id, "l": 2 * agg_id + 1, "T": trade_ms,
        "m": agg_id % 2 == 0, "M": True,
    }  # fmt: skip
    return json.dumps({"stream": f"{symbol.lower()}@aggTrade", "data": event})
