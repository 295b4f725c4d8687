"""The seeded market as a source: frames by templates, history by formula."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from lakehouse.exchanges.binance import stream_name
from producer.simulator.frames import Frame, Tick, message
from producer.simulator.history import Extent
from producer.simulator.instruments import Instrument
from producer.simulator.market import Market, MarketSpec

# Spot sends the event a little after the trade. The frame is due when its event time has come.
_EVENT_DELAY_US = 1_000


class MarketHistory:
    """All trades below `emitted`, the number of the next trade; computed when asked."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.emitted = 0
        self._rows = {kind.symbol: row for row, kind in enumerate(market.instruments)}

    def symbols(self) -> tuple[str, ...]:
        return self.market.spec.symbols

    def extent(self, symbol: str) -> Extent | None:
        count = self._count(symbol)
        first = self.market.spec.first_id
        return Extent(first, first + count - 1, count) if count else None

    def from_id(self, symbol: str, agg_id: int, limit: int) -> list[Tick]:
        first = self.market.spec.first_id
        start = max(agg_id, first)
        return self._ticks(symbol, start, min(start + limit, first + self._count(symbol)))

    def latest(self, symbol: str, until: int | None, limit: int) -> list[Tick]:
        end = self._count(symbol) if until is None else self._place_after(symbol, until)
        first = self.market.spec.first_id
        return self._ticks(symbol, first + max(0, end - limit), first + end)

    def between(self, symbol: str, start: int, until: int | None) -> Iterator[Tick]:
        first, row = self.market.spec.first_id, self._rows[symbol]
        end = self._count(symbol) if until is None else self._place_after(symbol, until)
        for place in range(self._place_of(symbol, start), end):
            yield self.market.tick(row, first + place)

    def _count(self, symbol: str) -> int:
        row = self._rows.get(symbol)
        size = len(self._rows)
        return 0 if row is None else max(0, (self.emitted - row + size - 1) // size)

    def _ticks(self, symbol: str, start: int, end: int) -> list[Tick]:
        return [self.market.tick(self._rows[symbol], agg_id) for agg_id in range(start, end)]

    def _place_of(self, symbol: str, time: int) -> int:
        return bisect_left(range(self._count(symbol)), time, key=lambda at: self._time(symbol, at))

    def _place_after(self, symbol: str, time: int) -> int:
        return bisect_right(range(self._count(symbol)), time, key=lambda at: self._time(symbol, at))

    def _time(self, symbol: str, place: int) -> int:
        number = self.market.number_of(self._rows[symbol], self.market.spec.first_id + place)
        return self.market.time_ns(number) // 1000


class MarketSource:
    """The frames of a market, from its first trade on.

    `start` (µs UTC) may be None: then the market begins when the first client listens; if it is
    played as fast as possible and has an end, it begins so that it ends then.
    """

    def __init__(self, spec: MarketSpec, start: int | None = None, in_past: bool = False) -> None:
        self._in_past = in_past
        self._start = start
        self._use(spec._replace(start_ns=(start or 0) * 1000))
        self.total: int | None = spec.trades

    def _use(self, spec: MarketSpec) -> None:
        self.market = Market(spec)
        self.history = MarketHistory(self.market)
        self._templates = [_template(kind) for kind in self.market.instruments]
        self._streams = [stream_name(symbol) for symbol in spec.symbols]

    @property
    def trades_emitted(self) -> int:
        return self.history.emitted

    def begin(self, now: int) -> int:
        if self._start is None:
            spec = self.market.spec
            length = (spec.trades or 0) * self.market.slot_ns if self._in_past else 0
            self._start = now - length // 1000
            self._use(spec._replace(start_ns=self._start * 1000))
        return self._start

    def next_due(self) -> int | None:
        number = self.history.emitted
        if self.total is not None and number >= self.total:
            return None
        return self._due(number)

    def take(self, limit: int, until: int | None) -> list[Frame]:
        start = self.history.emitted
        end = start + limit if self.total is None else min(start + limit, self.total)
        if until is not None:
            end = min(end, bisect_right(range(end), until, lo=min(start, end), key=self._due))
        self.history.emitted = max(start, end)
        return [self._frame(number) for number in range(start, end)]

    def _due(self, number: int) -> int:
        return self.market.time_ns(number) // 1_000_000 * 1000 + _EVENT_DELAY_US

    def _frame(self, number: int) -> Frame:
        row = number % len(self._templates)
        text, price_scale, lot_scale = self._templates[row]
        agg_id, price, lots, first, last, time, is_maker = self.market.fields(number)
        time_ms = time // 1_000_000
        payload = text % (
            time_ms + 1, agg_id, price // price_scale, price % price_scale,
            lots // lot_scale, lots % lot_scale, first, last, time_ms,
            b"true" if is_maker else b"false",
        )  # fmt: skip
        symbol = self.market.instruments[row].symbol
        due = time_ms * 1000 + _EVENT_DELAY_US
        return Frame(due, self._streams[row], payload, message(payload), symbol, agg_id)


def _template(kind: Instrument) -> tuple[bytes, int, int]:
    """The frame of a symbol with places for its numbers; the scales of price and quantity."""
    text = (
        '{"stream":"' + stream_name(kind.symbol) + '","data":{"e":"aggTrade","E":%d,"s":"'
        + kind.symbol + '","a":%d,"p":"' + _decimals(kind.price_decimals) + '","q":"'
        + _decimals(kind.lot_decimals) + '","f":%d,"l":%d,"T":%d,"m":%b,"M":true}}'
    )  # fmt: skip
    return text.encode(), 10**kind.price_decimals, 10**kind.lot_decimals


def _decimals(count: int) -> str:
    """`%d.%02d000000`: eight decimals. Without decimals the part is always 0, one digit."""
    return f"%d.%0{count or 1}d" + "0" * (8 - (count or 1))
