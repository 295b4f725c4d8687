"""A seeded market: every trade is a pure function of the seed, the symbol and its id.

Nothing is stored, so REST can answer any range and a run of any length needs the same memory.
All symbols share the rate evenly: trade n of the market goes to symbol n mod k, within a slot of
1/rate seconds, so times rise along n, and along the ids of each symbol.
"""

import hashlib
from array import array
from functools import lru_cache
from typing import Final, NamedTuple

from lakehouse.errors import SettingsError
from producer.simulator.frames import Tick
from producer.simulator.instruments import Instrument, instrument

BLOCK: Final = 256  # ids whose randomness comes from one hash
_SECOND_NS: Final = 1_000_000_000
# Periods of the price's value noise, in blocks, and how far each may move it, in millionths.
_OCTAVES: Final = ((4, 250), (32, 1_200), (256, 5_000), (4096, 30_000))
_SPIKE_QTY: Final = 25
# Two neighbours share six exchange trades, so the chain of first and last ids is a formula.
_TRADES_OF_TWO: Final = 6


class MarketSpec(NamedTuple):
    """What defines a market. `rate` is trades per second over all symbols; `spike_every` in s."""

    symbols: tuple[str, ...]
    seed: int = 0
    rate: float = 100.0
    first_id: int = 1_000_000
    start_ns: int = 0
    trades: int | None = None
    spike_every: float = 0.0


class Market:
    """The trades of a MarketSpec. Trade number n is 0 for the first trade of all symbols."""

    def __init__(self, spec: MarketSpec) -> None:
        _check(spec)
        self.spec = spec
        self.instruments = [instrument(symbol) for symbol in spec.symbols]
        self.slot_ns = max(1, round(_SECOND_NS / spec.rate))
        self._spike_ns = round(spec.spike_every * _SECOND_NS)
        # Kept per market: a few blocks per symbol cover the feed and a REST reader beside it.
        self._noise = lru_cache(maxsize=8 * len(spec.symbols))(self._block)

    def number_of(self, symbol_index: int, agg_id: int) -> int:
        """The market-wide number of a symbol's trade."""
        return (agg_id - self.spec.first_id) * len(self.instruments) + symbol_index

    def time_ns(self, number: int) -> int:
        """When trade `number` happens, ns UTC; rises with the number."""
        index, row = divmod(number, len(self.instruments))
        agg_id = self.spec.first_id + index
        noise = self._noise(row, agg_id // BLOCK)[0][agg_id % BLOCK]
        return self.spec.start_ns + number * self.slot_ns + (noise & 0xFFFF) * self.slot_ns // 65536

    def fields(self, number: int) -> tuple[int, int, int, int, int, int, bool]:
        """agg id, price in ticks, quantity in lots, first id, last id, time (ns), buyer is maker.

        The quick form of `tick`, for the feed.
        """
        index, row = divmod(number, len(self.instruments))
        agg_id = self.spec.first_id + index
        place = agg_id % BLOCK
        words, low, high = self._noise(row, agg_id // BLOCK)
        noise = words[place]
        slot = self.slot_ns
        elapsed = number * slot + (noise & 0xFFFF) * slot // 65536
        is_maker = noise >> 16 & 1 == 1
        # The taker who sells hits the bid, one tick below the ask that a buying taker hits.
        price = low + (high - low) * place // BLOCK + (noise >> 17 & 3) - is_maker
        lots = self.instruments[row].lot * 4096 // ((noise >> 20 & 4095) + 1)
        lots += noise >> 32 & 15
        if self._spike_ns:
            price, lots = self._spiked(row, elapsed, price, lots)
        first, last = _chain(agg_id, words[place & ~1] >> 40)
        time = self.spec.start_ns + elapsed
        return agg_id, max(price, 1), lots, first, last, time, is_maker

    def tick(self, symbol_index: int, agg_id: int) -> Tick:
        """The trade of a symbol with this id, as text and microseconds."""
        kind = self.instruments[symbol_index]
        _, price, lots, first, last, time, is_maker = self.fields(
            self.number_of(symbol_index, agg_id)
        )
        return Tick(
            agg_id,
            eight_decimals(price, kind.price_decimals),
            eight_decimals(lots, kind.lot_decimals),
            first,
            last,
            time // 1000,
            is_maker,
        )

    def _block(self, row: int, block: int) -> tuple["array[int]", int, int]:
        """64 random bits for each id of a block, and the price (ticks) at its two ends."""
        kind = self.instruments[row]
        seed = f"{self.spec.seed}:{kind.symbol}".encode()
        words = array("Q", hashlib.shake_128(seed + b":%d" % block).digest(8 * BLOCK))
        return words, _level(seed, kind, block), _level(seed, kind, block + 1)

    def _spiked(self, row: int, elapsed: int, price: int, lots: int) -> tuple[int, int]:
        """A jump of 2 to 5 % that fades over a fifth of the interval, with a burst of volume."""
        which, since = divmod(elapsed, self._spike_ns)
        length = self._spike_ns // 5
        if which == 0 or since >= length:
            return price, lots
        word = _word(f"{self.spec.seed}:spike:{row}".encode(), which)
        millionths = (20_000 + word % 30_000) * (1 if word >> 60 & 1 else -1)
        left = (length - since) * 1000 // length
        return price + price * millionths * left // 1_000_000_000, lots * _SPIKE_QTY


def eight_decimals(units: int, decimals: int) -> str:
    """`units` of 10^-decimals, written with eight decimals as the exchange does."""
    whole, part = divmod(units, 10**decimals)
    return f"{whole}.{part:0{decimals}d}{'0' * (8 - decimals)}" if decimals else f"{whole}.00000000"


def _chain(agg_id: int, word: int) -> tuple[int, int]:
    """First and last trade id of an aggregate of 1 to 5 trades; they chain without a hole."""
    pair, second = divmod(agg_id, 2)
    share = 1 + word % 5
    start = pair * _TRADES_OF_TWO
    if second:
        return start + share, start + _TRADES_OF_TWO - 1
    return start, start + share - 1


def _level(seed: bytes, kind: Instrument, block: int) -> int:
    """The price in ticks at the start of a block: value noise over several periods."""
    millionths = 0
    for period, depth in _OCTAVES:
        knot, inside = divmod(block, period)
        here, there = (_word(seed + b"/%d" % period, at) % (2 * depth) for at in (knot, knot + 1))
        millionths += here + (there - here) * inside // period - depth
    return kind.price + kind.price * millionths // 1_000_000


def _word(seed: bytes, number: int) -> int:
    return int.from_bytes(hashlib.blake2b(seed + b"#%d" % number, digest_size=8).digest())


def _check(spec: MarketSpec) -> None:
    if not spec.symbols or len(set(spec.symbols)) != len(spec.symbols):
        raise SettingsError("The market needs one symbol or more, each once.")
    if not 0.001 <= spec.rate <= 10_000_000:
        raise SettingsError("--rate must be between 0.001 and 10000000 trades per second.")
    if not 0 <= spec.first_id <= 10**15 or (spec.trades is not None and spec.trades < 0):
        raise SettingsError("--trades must not be negative, --first-id between 0 and 10**15.")
    if spec.spike_every < 0:
        raise SettingsError("--spike-every must not be negative (0 turns spikes off).")
