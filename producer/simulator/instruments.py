"""The symbols a seeded market trades: plausible prices, ticks and lots. Pure."""

import hashlib
from collections.abc import Iterable
from typing import Final, NamedTuple

from lakehouse import symbol_spec
from lakehouse.errors import SettingsError


class Instrument(NamedTuple):
    """A symbol: `price` in ticks; tick and lot as numbers of decimals; `lot` is a typical size."""

    symbol: str
    base: str
    quote: str
    price: int
    price_decimals: int
    lot_decimals: int
    lot: int


_QUOTES: Final = ("USDT", "FDUSD", "USDC", "BUSD", "TUSD", "EUR", "TRY", "BTC", "ETH", "BNB", "USD")
# symbol: price in ticks, decimals of the tick, decimals of the lot, lower bound of a usual lot
_KNOWN: Final = {
    "BTCUSDT": (6_183_763, 2, 5, 120),
    "ETHUSDT": (268_380, 2, 4, 90),
    "BNBUSDT": (51_470, 2, 3, 40),
    "SOLUSDT": (15_512, 2, 3, 350),
    "XRPUSDT": (6_123, 4, 1, 500),
    "DOGEUSDT": (10_214, 5, 0, 300),
    "ADAUSDT": (3_391, 4, 1, 700),
    "ETHBTC": (4_341, 5, 4, 90),
}
_MAX_SYMBOL: Final = 20


def instrument(symbol: str) -> Instrument:
    """The instrument of a symbol; one that isn't known gets a price of its own by its name."""
    if not (symbol.isascii() and symbol.isalnum() and symbol == symbol.upper()):
        raise SettingsError(f"{symbol!r} is no symbol.", "Write it as the exchange does: BTCUSDT.")
    if len(symbol) > _MAX_SYMBOL:
        raise SettingsError(f"{symbol!r} is longer than {_MAX_SYMBOL} characters.")
    base, quote = split(symbol)
    price, price_decimals, lot_decimals, lot = _KNOWN.get(symbol) or _invented(symbol)
    return Instrument(symbol, base, quote, price, price_decimals, lot_decimals, lot)


def listed(terms: Iterable[str]) -> tuple[str, ...]:
    """The symbols that a spec as SYMBOLS comes to; ALL:QUOTE takes those that are known here."""
    try:
        spec = symbol_spec.parse(terms)
    except ValueError as error:
        raise SettingsError(f"--symbols can't be used: {error}.") from None
    known = [symbol for symbol in _KNOWN if split(symbol)[1] in spec.quotes]
    found = [name for name in (*spec.named, *known) if name not in spec.left_out]
    if not found:
        raise SettingsError(
            f"The simulated market has no pair of {', '.join(spec.quotes)}.",
            f"Name symbols, or take one of these: {', '.join(_KNOWN)}.",
        )
    return tuple(dict.fromkeys(found))


def split(symbol: str) -> tuple[str, str]:
    """Base and quote asset of a symbol, by the quotes the exchange has; else all is base."""
    for quote in _QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol[: -len(quote)], quote
    return symbol, ""


def _invented(symbol: str) -> tuple[int, int, int, int]:
    number = int.from_bytes(hashlib.blake2b(symbol.encode(), digest_size=8).digest())
    return 5_000 + number % 495_000, 2 + number % 4, number % 5, 50 + number % 450
