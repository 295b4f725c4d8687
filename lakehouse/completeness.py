"""The completeness proof: every id of a symbol from its first to its last trade, exactly once.

The aggregate trade id rises by one per symbol, so holes and repetitions can be counted, not
guessed. The proof covers Silver id by id, and Bronze against Silver and quarantine.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from lakehouse import completeness_sql as statements
from lakehouse.query import Lake
from lakehouse.tables import BRONZE, QUARANTINE, SILVER
from lakehouse.values import Json, plain

# A record younger than this may still be on its way from Bronze to Silver.
SETTLING = timedelta(minutes=2)
MOST_LISTED = 1000


@dataclass(frozen=True)
class Hour:
    """One symbol's trades of one hour. A gap counts in the hour of the trade before it."""

    exchange: str
    symbol: str
    hour: datetime
    first_id: int
    last_id: int
    trades: int
    missing: int
    duplicates: int


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


@dataclass(frozen=True)
class Gap:
    """Missing ids, both ends included, and the hour of the trade before them."""

    exchange: str
    symbol: str
    from_id: int
    to_id: int
    hour: datetime


@dataclass(frozen=True)
class Record:
    """Where a Kafka record stands, and what could be read of its key."""

    kafka_topic: str
    kafka_partition: int
    kafka_offset: int
    exchange: str | None
    symbol: str | None
    agg_id: int | None


@dataclass(frozen=True)
class Bronze:
    """Bronze against Silver and quarantine.

    `records` rows, of which `repeated` are a Kafka offset once more; `keys` distinct trades.
    `lost` records are neither in Silver nor in quarantine; `waiting` ones neither, but younger
    than SETTLING. `lost_records` lists the first MOST_LISTED of the lost.
    """

    records: int
    repeated: int
    keys: int
    lost: int
    waiting: int
    lost_records: tuple[Record, ...]


@dataclass(frozen=True)
class Proof:
    """What was found; `gaps` lists the first MOST_LISTED of them, the counts hold them all."""

    symbols: tuple[Symbol, ...]
    hours: tuple[Hour, ...]
    gaps: tuple[Gap, ...]
    bronze: Bronze | None

    @property
    def trades(self) -> int:
        """Rows of Silver."""
        return sum(symbol.trades for symbol in self.symbols)

    @property
    def missing(self) -> int:
        """Ids between a symbol's first and last that Silver has not."""
        return sum(symbol.missing for symbol in self.symbols)

    @property
    def duplicates(self) -> int:
        """Rows of Silver whose key was there already."""
        return sum(symbol.duplicates for symbol in self.symbols)

    @property
    def faults(self) -> tuple[str, ...]:
        """What speaks against completeness, in words; empty where nothing does."""
        counts = [
            (self.missing, "ids missing from Silver"),
            (self.duplicates, "duplicate rows in Silver"),
            (self.bronze.repeated if self.bronze else 0, "Kafka records twice in Bronze"),
            (self.bronze.lost if self.bronze else 0, "records lost between Bronze and Silver"),
        ]
        return tuple(f"{count:,} {what}" for count, what in counts if count)

    @property
    def complete(self) -> bool:
        """Whether there are trades and nothing speaks against them."""
        return self.trades > 0 and not self.faults

    def as_json(self) -> Json:
        """The proof with its totals, as JSON can carry it."""
        totals: dict[str, object] = {
            "complete": self.complete,
            "trades": self.trades,
            "missing": self.missing,
            "duplicates": self.duplicates,
        }
        return plain(totals | asdict(self))


def prove(lake: Lake, now: datetime) -> Proof:
    """Prove the lake complete, or find what is not; `now` (aware) tells lost from waiting.

    A lake without Silver gives a proof of no trades. Errors are those of `Lake.query`.
    """
    if SILVER not in lake.tables:
        return Proof((), (), (), None)
    lake.keep("silver_blocks", statements.SILVER_BLOCKS)
    lake.keep("key_blocks", statements.KEY_BLOCKS)
    lake.keep("gaps", statements.GAPS)
    listed = lake.rows(statements.FIRST_GAPS, {"most": MOST_LISTED})
    return Proof(
        symbols=tuple(Symbol(**row) for row in lake.rows(statements.SYMBOLS)),
        hours=tuple(Hour(**row) for row in lake.rows(statements.HOURS)),
        gaps=tuple(Gap(**row) for row in listed),
        bronze=_prove_bronze(lake, now - SETTLING) if BRONZE in lake.tables else None,
    )


def _prove_bronze(lake: Lake, settled_before: datetime) -> Bronze:
    lake.keep("bronze_blocks", statements.BRONZE_BLOCKS)
    lake.keep("unsettled", statements.UNSETTLED)
    lake.keep("held", statements.HELD if QUARANTINE in lake.tables else statements.NOTHING_HELD)
    lake.keep("lost", statements.LOST)
    bounds: Mapping[str, object] = {"settled_before": settled_before}
    [records] = lake.rows(statements.RECORDS)
    [counts] = lake.rows(statements.LOST_COUNTS, bounds)
    listed = lake.rows(statements.FIRST_LOST, {**bounds, "most": MOST_LISTED})
    return Bronze(**records, **counts, lost_records=tuple(Record(**row) for row in listed))
