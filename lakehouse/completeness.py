"""The completeness proof: every id of a symbol from its first to its last trade, exactly once.

The aggregate trade id rises by one per symbol, so holes and repetitions can be counted, not
guessed. The proof covers Silver and Bronze id by id, Bronze against Silver and quarantine, and
the trades' topic where it was read as well (lakehouse/kafka_audit.py).
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from lakehouse import bronze_sql, removed_rows
from lakehouse import completeness_sql as statements
from lakehouse.kafka_audit import KafkaAudit
from lakehouse.layers import MOST_LISTED, Gap, Hour, Layer, OpenGap, Symbol, in_words
from lakehouse.query import Lake
from lakehouse.tables import BRONZE, GAP, QUARANTINE, SILVER
from lakehouse.values import Json, plain

KAFKA_LAYER, BRONZE_LAYER, SILVER_LAYER = "kafka", "bronze", "silver"
LAKE_LAYERS = (BRONZE_LAYER, SILVER_LAYER)
# A record younger than this may still be on its way from Bronze to Silver.
SETTLING = timedelta(minutes=2)


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
    than SETTLING. `lost_records` lists the first MOST_LISTED of the lost. Retention took `removed`
    more away, of times before `removed_before`: there Silver and quarantine stand for Bronze.
    """

    records: int
    repeated: int
    keys: int
    lost: int
    waiting: int
    lost_records: tuple[Record, ...]
    removed: int = 0
    removed_before: datetime | None = None


@dataclass(frozen=True)
class Proof:
    """What was found; `symbols`, `hours` and `gaps` are Silver's.

    `layers` were asked for, and only they speak for or against completeness. Missing ids that
    the exchange itself has not are no fault, unless `strict`.
    """

    symbols: tuple[Symbol, ...]
    hours: tuple[Hour, ...]
    gaps: tuple[Gap, ...]
    bronze: Bronze | None
    bronze_layer: Layer | None = None
    kafka: KafkaAudit | None = None
    open_gaps: tuple[OpenGap, ...] = ()
    layers: tuple[str, ...] = LAKE_LAYERS
    strict: bool = False

    @property
    def silver(self) -> Layer:
        """Silver's figures."""
        return Layer(self.symbols, self.hours, self.gaps)

    @property
    def trades(self) -> int:
        """Rows of Silver; where it was not asked for, of the layer before it."""
        if SILVER_LAYER in self.layers:
            return self.silver.trades
        if BRONZE_LAYER in self.layers:
            return self.bronze_layer.trades if self.bronze_layer else 0
        return self.kafka.layer.trades if self.kafka else 0

    @property
    def missing(self) -> int:
        """Ids between a symbol's first and last that Silver has not."""
        return self.silver.missing

    @property
    def unrepairable(self) -> int:
        """Those of the missing that the exchange itself has not."""
        return self.silver.unrepairable

    @property
    def duplicates(self) -> int:
        """Rows of Silver whose key was there already."""
        return self.silver.duplicates

    @property
    def faults(self) -> tuple[str, ...]:
        """What speaks against completeness, in words; empty where nothing does."""
        counts: list[tuple[int, str]] = []
        if SILVER_LAYER in self.layers:
            counts.append((self.silver.unexplained(self.strict), "ids missing from Silver"))
            counts.append((self.duplicates, "duplicate rows in Silver"))
        if BRONZE_LAYER in self.layers and self.bronze and self.bronze_layer:
            missing = self.bronze_layer.unexplained(self.strict)
            counts.append((missing, "ids missing from Bronze"))
            counts.append((self.bronze.repeated, "Kafka records twice in Bronze"))
            counts.append((self.bronze.lost, "records lost between Bronze and Silver"))
        return in_words(counts) + (self.kafka.faults(self.strict) if self.kafka else ())

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
            "unrepairable": self.unrepairable,
            "duplicates": self.duplicates,
        }
        return plain(totals | asdict(self))


def prove(
    lake: Lake, now: datetime, layers: Collection[str] = LAKE_LAYERS, strict: bool = False
) -> Proof:
    """Prove the lake complete, or find what is not; `now` (aware) tells lost from waiting.

    A lake without Silver gives a proof of no trades. Errors are those of `Lake.query`.
    """
    asked = tuple(layers)
    if SILVER not in lake.tables:
        return Proof((), (), (), None, layers=asked, strict=strict)
    known = GAP in lake.tables
    lake.keep("unrepairable", statements.UNREPAIRABLE if known else statements.NOTHING_UNREPAIRABLE)
    lake.keep("silver_blocks", statements.SILVER_BLOCKS)
    silver = _layer(lake, SILVER_LAYER)
    with_bronze = BRONZE in lake.tables and BRONZE_LAYER in asked
    found = lake.rows(statements.OPEN_GAPS, {"most": MOST_LISTED}) if known else []
    return Proof(
        *(silver.symbols, silver.hours, silver.gaps),
        bronze=_prove_bronze(lake, now - SETTLING) if with_bronze else None,
        bronze_layer=_layer(lake, BRONZE_LAYER) if with_bronze else None,
        open_gaps=tuple(OpenGap(**row) for row in found),
        layers=asked,
        strict=strict,
    )


def _layer(lake: Lake, name: str) -> Layer:
    """The figures of a layer whose blocks are kept."""
    lake.keep(f"{name}_keys", statements.keys(name))
    lake.keep(f"{name}_gaps", statements.gaps(name))
    lake.keep(f"{name}_explained", statements.explained(name))
    listed = lake.rows(statements.first_gaps(name), {"most": MOST_LISTED})
    return Layer(
        symbols=tuple(Symbol(**row) for row in lake.rows(statements.symbols(name))),
        hours=tuple(Hour(**row) for row in lake.rows(statements.hours(name))),
        gaps=tuple(Gap(**row) for row in listed),
    )


def _prove_bronze(lake: Lake, settled_before: datetime) -> Bronze:
    """Bronze against Silver; keeps the blocks of the layer on the way."""
    held = bronze_sql.HELD if QUARANTINE in lake.tables else bronze_sql.NOTHING_HELD
    lake.keep("held", held)
    lake.keep("strays", bronze_sql.STRAYS)
    lake.keep("bronze_records", bronze_sql.BRONZE_RECORDS)
    lake.keep("recorded", bronze_sql.RECORDED)
    removed_rows.keep(lake)
    lake.keep("vouched", bronze_sql.VOUCHED)
    lake.keep("bronze_blocks", bronze_sql.BRONZE_BLOCKS)
    lake.keep("unsettled", bronze_sql.UNSETTLED)
    lake.keep("lost", bronze_sql.LOST)
    bounds: Mapping[str, object] = {"settled_before": settled_before}
    [records] = lake.rows(bronze_sql.RECORDS)
    [counts] = lake.rows(bronze_sql.LOST_COUNTS, bounds)
    listed = lake.rows(bronze_sql.FIRST_LOST, {**bounds, "most": MOST_LISTED})
    gone = removed_rows.removed(lake, BRONZE)
    return Bronze(
        **records,
        **counts,
        lost_records=tuple(Record(**row) for row in listed),
        removed=gone.rows,
        removed_before=gone.before if gone.rows else None,
    )
