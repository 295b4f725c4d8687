"""The figures of a summary: what each is called, its unit, and the digits that people want. Pure.

A figure's `value` is what is shown, rounded half up once: the same digits go to the model, into
the verification and into the message. Nothing here is ever a float.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, Final, Literal

Unit = Literal["quote", "base", "percent", "times", "count"]

# Wide enough for any column of Gold; the default of 28 digits is not.
EXACT: Final = Context(prec=100, rounding=ROUND_HALF_UP)
_SIGNIFICANT: Final = 5
_KEPT_DECIMALS: Final = 2


@dataclass(frozen=True, slots=True)
class Kind:
    """What a figure is: its unit, the words that name it in a text, its words in a listing.

    `needs`: a name in a text must hold all words of one of these (a mean is never just a price).
    """

    unit: Unit
    labels: frozenset[str]
    says: str
    needs: tuple[frozenset[str], ...] = ()


def _kind(unit: Unit, says: str, *labels: str, needs: tuple[str, ...] = ()) -> Kind:
    return Kind(unit, frozenset(labels), says, tuple(frozenset(each.split()) for each in needs))


KINDS: Final[Mapping[str, Kind]] = {
    "price": _kind("quote", "price", "price", "close", "now"),
    "price_now": _kind("quote", "price now", "price", "now", needs=("now",)),
    "open": _kind("quote", "open", "open", "price", needs=("open",)),
    "high": _kind("quote", "high", "high", "price", needs=("high",)),
    "low": _kind("quote", "low", "low", "price", needs=("low",)),
    "close": _kind("quote", "close", "close", "price"),
    "change": _kind("percent", "price change", "price", "change", "return", "now", "open", "close"),
    "vwap": _kind(
        "quote", "VWAP", "vwap", "volume", "average", "price", needs=("vwap", "volume average")
    ),
    "average": _kind("quote", "average price", "average", "price", needs=("average",)),
    "volume": _kind("base", "volume", "volume", needs=("volume",)),
    "quote_volume": _kind(
        "quote", "quote volume", "volume", "turnover", needs=("volume", "turnover")
    ),
    "volume_ratio": _kind(
        "times", "volume against its usual", "volume", "usual", needs=("volume", "usual")
    ),
    "trades": _kind("count", "trades", "trades"),
    "spikes": _kind("count", "spikes", "spikes"),
    "gaps": _kind("count", "open gaps", "gaps"),
    "missing": _kind("count", "missing trades", "missing"),
    "symbols": _kind("count", "symbols", "symbols"),
    "left_out": _kind("count", "symbols left out", "symbols"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` as shown, exact; `window`: minutes it spans (None: an instant or a single value)."""

    kind: str
    value: Decimal
    window: int | None = None

    @property
    def unit(self) -> Unit:
        return KINDS[self.kind].unit

    @property
    def labels(self) -> frozenset[str]:
        return KINDS[self.kind].labels

    @property
    def shown(self) -> str:
        """The value for people: `61,990.10`, `+0.25%`, `1.37x`."""
        match self.unit:
            case "percent":
                return signed(self.value) + "%"
            case "times":
                return f"{self.value:,f}x"
        return f"{self.value:,f}"

    @property
    def says(self) -> str:
        """Its name in a listing: `VWAP (1m)`."""
        window = "" if self.window is None else f" ({window_name(self.window)})"
        return KINDS[self.kind].says + window

    def to_json(self) -> dict[str, Any]:
        """`{"kind", "unit", "window_minutes", "value", "shown"}`; `value` is an exact decimal."""
        return {
            "kind": self.kind,
            "unit": self.unit,
            "window_minutes": self.window,
            "value": format(self.value, "f"),
            "shown": self.shown,
        }


def figure_from(data: Mapping[str, Any]) -> Figure:
    """What `to_json` made."""
    return Figure(data["kind"], Decimal(data["value"]), data["window_minutes"])


def figure(kind: str, exact: str | int | None, window: int | None = None) -> Figure | None:
    """An exact value of the lake as a figure; None stays None: not known is not zero."""
    if exact is None:
        return None
    value = EXACT.create_decimal(exact)
    match KINDS[kind].unit:
        case "percent":
            shown = rounded(EXACT.multiply(value, Decimal(100)), 2)
        case "times":
            shown = rounded(value, _decimals(value, 2))
        case "count":
            shown = value
        case _:
            shown = for_people(value)
    # No minus before a zero.
    return Figure(kind, shown if shown else abs(shown), window)


def rounded(value: Decimal, decimals: int) -> Decimal:
    """Half up (away from zero) to so many decimals."""
    return value.quantize(Decimal(1).scaleb(-decimals), context=EXACT)


def for_people(value: Decimal) -> Decimal:
    """A price or an amount: five significant digits, and two decimals at least; no zeros after.

    61990.1 → 61990.10, 1.23456 → 1.2346, 0.000012340123 → 0.00001234, 5 → 5.00.
    """
    shown = rounded(value, _decimals(value, _SIGNIFICANT))
    bare = shown.normalize(EXACT)
    return rounded(bare, max(_KEPT_DECIMALS, -int(bare.as_tuple().exponent)))


def _decimals(value: Decimal, significant: int) -> int:
    return max(_KEPT_DECIMALS, significant - 1 - value.adjusted()) if value else _KEPT_DECIMALS


def signed(value: Decimal) -> str:
    """`+0.25`, `-1.20`, `0.00`."""
    return f"{value:+,f}" if value else f"{value:,f}"


def compact(value: Decimal) -> str:
    """For a narrow table: `812`, `7.10`, `1,234.5`, `12.3k`, `1.23M`; three digits at least."""
    for size, suffix in ((9, "B"), (6, "M"), (4, "k")):
        if value.copy_abs().adjusted() >= size:
            scaled = value.scaleb(-size if suffix != "k" else -3, context=EXACT)
            return f"{rounded(scaled, max(0, 2 - scaled.adjusted())):,f}{suffix}"
    return f"{value:,f}"


def window_name(minutes: int) -> str:
    """`1m`, `30m`, `24h`: the names that the API uses."""
    return f"{minutes // 60}h" if minutes >= 120 and minutes % 60 == 0 else f"{minutes}m"
