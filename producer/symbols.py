"""Which symbols SYMBOLS comes to, given the exchange's list of them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

from lakehouse.errors import SettingsError, UnreachableError
from lakehouse.symbol_spec import SymbolSpec, is_name, parse

EXCHANGE_INFO_PATH: Final = "/api/v3/exchangeInfo"
EXCHANGE_INFO_PARAMS: Final = {"showPermissionSets": "false"}
EXCHANGE_INFO_WEIGHT: Final = 20
MAX_SYMBOLS: Final = 4096
_SHOWN: Final = 5


class Pair(NamedTuple):
    """A symbol in the exchange's list: its quote asset, and whether it trades on spot now."""

    quote: str
    trading: bool


Listing = Mapping[str, Pair]


def listing_of(exchange_info: object) -> Listing:
    """The answer of `GET /api/v3/exchangeInfo`, symbol by symbol; ValueError where it is none."""
    try:
        rows: Sequence[Any] = exchange_info["symbols"]  # type: ignore[index]
        listing = {str(row["symbol"]): _pair(row) for row in rows}
    except (KeyError, TypeError, AttributeError):
        raise ValueError("the answer is no list of symbols") from None
    if not listing:
        raise ValueError("the list of symbols is empty")
    return listing


def resolve(spec: SymbolSpec, listing: Listing | None) -> tuple[str, ...]:
    """The symbols to follow: those named first, then the pairs of each quote asset by name.

    SettingsError names a symbol that the exchange does not list, and what comes near. Without a
    listing the named symbols are taken as they are; UnreachableError if ALL:QUOTE needs one.
    """
    if listing is not None:
        require_listed(spec.named, listing)
    return matching(spec, listing)


def matching(spec: SymbolSpec, listing: Listing | None) -> tuple[str, ...]:
    """As `resolve`, for names that were looked up before: they stay, listed or not."""
    pairs = [symbol for quote in spec.quotes for symbol in _pairs_of(quote, listing)]
    found = [name for name in dict.fromkeys((*spec.named, *pairs)) if name not in spec.left_out]
    if not found:
        raise SettingsError(
            "No symbol is left to follow.", "Keep one at least, or end the producer instead."
        )
    if len(found) > MAX_SYMBOLS:
        raise SettingsError(
            f"That is {len(found):,} symbols; one producer follows {MAX_SYMBOLS:,} at most.",
            "Share them out among several producers, each with a PRODUCER_NAME of its own.",
        )
    return tuple(found)


def require_listed(names: Iterable[str], listing: Listing) -> None:
    """SettingsError where the exchange does not list one of the names."""
    unknown = [name for name in names if name not in listing]
    if unknown:
        shown = ", ".join(_with_nearest(name, listing) for name in unknown[:_SHOWN])
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        raise SettingsError(
            f"The exchange does not list {shown}{more}.", "Look at SYMBOLS, or at what was added."
        )


class Changes(NamedTuple):
    """What was added to SYMBOLS and removed from it while running; no name stands in both."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def then(self, add: Sequence[str], remove: Sequence[str]) -> "Changes":
        """These changes and later ones; the later word on a symbol counts."""
        both = set(add) & set(remove)
        if both:
            raise SettingsError(
                f"{min(both)} is to be added and removed at once.", "Say one of the two."
            )
        kept_add = [name for name in self.add if name not in remove]
        kept_remove = [name for name in self.remove if name not in add]
        return Changes(_unique(kept_add, add), _unique(kept_remove, remove))

    def on(self, terms: Sequence[str]) -> SymbolSpec:
        """SYMBOLS with these changes."""
        named, quotes, left_out = parse(terms)
        names = [name for name in _unique(named, self.add) if name not in self.remove]
        return SymbolSpec(tuple(names), quotes, left_out.difference(self.add).union(self.remove))


def checked_names(value: object) -> tuple[str, ...]:
    """A list of names of symbols, from a request or a file; SettingsError where it is none."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise SettingsError("A list of symbols is wanted.", 'For example ["BTCUSDT", "ETHUSDT"].')
    wrong = next((name for name in value if not is_name(name)), None)
    if wrong is not None:
        raise SettingsError(
            f"{wrong[:60]!r} is no symbol.", "Write it as the exchange does: BTCUSDT."
        )
    return tuple(dict.fromkeys(value))


def _pair(row: Mapping[str, Any]) -> Pair:
    trading = row["status"] == "TRADING" and row.get("isSpotTradingAllowed", True) is True
    return Pair(str(row["quoteAsset"]), trading)


def _pairs_of(quote: str, listing: Listing | None) -> list[str]:
    if listing is None:
        raise UnreachableError(
            f"ALL:{quote} needs the exchange's list of symbols, and the exchange does not give it.",
            "Look at BINANCE_REST_URL and the network, or name the symbols in SYMBOLS.",
        )
    of_quote = {symbol: pair for symbol, pair in listing.items() if pair.quote == quote}
    if not of_quote:
        quotes = {pair.quote: pair for pair in listing.values()}
        raise SettingsError(
            f"The exchange has no pair quoted in {_with_nearest(quote, quotes)}.",
            "Look at SYMBOLS: ALL: takes a quote asset, for example ALL:USDT.",
        )
    trading = sorted(symbol for symbol, pair in of_quote.items() if pair.trading)
    if not trading:
        raise UnreachableError(
            f"No pair quoted in {quote} trades at the moment.", "Try again when the exchange does."
        )
    return trading


def _with_nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, n=3, cutoff=0.6)
    return f"{name} (near: {', '.join(near)})" if near else name


def _unique(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
