"""One-minute candles, exactly, from trades. Pure."""

from decimal import Decimal
from typing import Final

from lakehouse.trade import EXACT
from producer.simulator.frames import Tick

MINUTE_US: Final = 60_000_000


class Candle:
    """The minute from `open_time` (µs UTC). Without a trade it is flat at `price`, volume 0."""

    def __init__(self, open_time: int, price: str) -> None:
        self.open_time = open_time
        self.open = self.high = self.low = self.close = price
        self.volume = self.quote_volume = Decimal(0)
        self.taker_base = self.taker_quote = Decimal(0)
        self.trades = 0
        self._first: int | None = None
        self._last = 0

    def add(self, tick: Tick) -> None:
        """Take one trade of this minute, in any order; open and close go by id."""
        qty = Decimal(tick.qty)
        quote = EXACT.multiply(Decimal(tick.price), qty)
        self.volume = EXACT.add(self.volume, qty)
        self.quote_volume = EXACT.add(self.quote_volume, quote)
        if not tick.is_buyer_maker:
            self.taker_base = EXACT.add(self.taker_base, qty)
            self.taker_quote = EXACT.add(self.taker_quote, quote)
        self.trades += tick.last_trade_id - tick.first_trade_id + 1
        self._price(tick)

    def _price(self, tick: Tick) -> None:
        if self._first is None:
            self.open = self.high = self.low = self.close = tick.price
            self._first = self._last = tick.agg_id
            return
        self.high = max(self.high, tick.price, key=Decimal)
        self.low = min(self.low, tick.price, key=Decimal)
        if tick.agg_id < self._first:
            self.open, self._first = tick.price, tick.agg_id
        if tick.agg_id > self._last:
            self.close, self._last = tick.price, tick.agg_id

    def row(self) -> list[object]:
        """The exchange's 12 elements; times in milliseconds."""
        open_ms = self.open_time // 1000
        close_ms = (self.open_time + MINUTE_US) // 1000 - 1
        return [
            open_ms, self.open, self.high, self.low, self.close, decimal_text(self.volume),
            close_ms, decimal_text(self.quote_volume), self.trades,
            decimal_text(self.taker_base), decimal_text(self.taker_quote), "0",
        ]  # fmt: skip


def decimal_text(value: Decimal) -> str:
    """Plain notation with eight decimals, or more where eight would round."""
    eight = EXACT.create_decimal(value).normalize(EXACT)
    exponent = eight.as_tuple().exponent
    assert isinstance(exponent, int)
    return f"{eight:.{max(8, -exponent)}f}"
