"""What completeness looks like in one layer (Kafka, Bronze or Silver): hours, symbols, gaps. Pure.

Ids between a symbol's first and last that a layer has not are `missing`. Those of them that the
exchange itself has not, by the gap records of the producer, are `unrepairable` as well.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

MOST_LISTED = 1000


@dataclass(frozen=True)
class Hour:
    """One symbol's trades of one hour. A gap counts in the hour of the trade before it.

    `trades` counts rows or records, `duplicates` those of them whose id was there before.
    `hour` is None for records whose time could not be read (never in Silver).
    """

    exchange: str
    symbol: str
    hour: datetime | None
    first_id: int
    last_id: int
    trades: int
    missing: int
    duplicates: int
    unrepairable: int = 0


@dataclass(frozen=True)
class Symbol:
    """All trades of one symbol; `duplicates` includes ids that stand in two different hours."""

    exchange: str
    symbol: str
    first_id: int
    last_id: int
    trades: int
    missing: int
    duplicates: int
    gaps: int
    unrepairable: int = 0


@dataclass(frozen=True)
class Gap:
    """Missing ids, both ends included, and the hour of the trade before them.

    `unrepairable` of them the exchange itself has not; `reason` says how that is known.
    """

    exchange: str
    symbol: str
    from_id: int
    to_id: int
    hour: datetime | None
    unrepairable: int = 0
    reason: str = ""

    @property
    def ids(self) -> int:
        """How many ids are missing."""
        return self.to_id - self.from_id + 1


@dataclass(frozen=True)
class OpenGap:
    """A gap that the producer has seen and not closed yet, and since when (UTC)."""

    exchange: str
    symbol: str
    from_id: int
    to_id: int
    detected_at: datetime | None
    reason: str = ""


@dataclass(frozen=True)
class Layer:
    """One layer's figures; `gaps` lists the first MOST_LISTED, the counts hold them all."""

    symbols: tuple[Symbol, ...] = ()
    hours: tuple[Hour, ...] = ()
    gaps: tuple[Gap, ...] = ()

    @property
    def trades(self) -> int:
        """Rows or records."""
        return sum(symbol.trades for symbol in self.symbols)

    @property
    def missing(self) -> int:
        """Ids between a symbol's first and last that the layer has not."""
        return sum(symbol.missing for symbol in self.symbols)

    @property
    def unrepairable(self) -> int:
        """Those of the missing that the exchange itself has not."""
        return sum(symbol.unrepairable for symbol in self.symbols)

    @property
    def duplicates(self) -> int:
        """Rows or records whose id was there already."""
        return sum(symbol.duplicates for symbol in self.symbols)

    def unexplained(self, strict: bool = False) -> int:
        """Missing ids that speak against the layer: with `strict` all of them."""
        return self.missing if strict else self.missing - self.unrepairable


def in_words(counts: Iterable[tuple[int, str]]) -> tuple[str, ...]:
    """The faults among (count, what): those that are not zero."""
    return tuple(f"{count:,} {what}" for count, what in counts if count)
