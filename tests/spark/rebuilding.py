"""What the tests of a rebuild share: a lake that was fed, its rows, and a hand that spoils them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyspark.sql import Row, SparkSession

from lakehouse import messages, tables
from lakehouse.settings import Settings
from lakehouse.spans import Span
from lakehouse.trade import Trade
from spark_jobs.rebuild import Piece, Rebuild
from tests.spark.feeding import feed_bronze, run_streams

HOUR = 3_600_000_000
MINUTE = 60_000_000
# 2024-08-08 22:00 UTC, in µs and in hours.
START = 1_723_154_400_000_000
FIRST = START // HOUR
SILVER = tables.full_name(tables.SILVER)
GOLD = tables.full_name(tables.GOLD)
QUARANTINE = tables.full_name(tables.QUARANTINE)
EVERYTHING = Span(0, FIRST + 1000)


def trade(agg_id: int, minute: int, symbol: str = "BTCUSDT", price: str = "") -> Trade:
    """A valid trade, `minute` after START."""
    at = START + minute * MINUTE + agg_id % 60
    told = price or f"{100 + agg_id % 7}.{agg_id % 100:02}"
    return Trade(
        "binance", symbol, agg_id, told, "1.5", agg_id, agg_id, at, at, agg_id % 2 == 0, at, "ws"
    )


def hours_of_trades(hours: int = 3, per_minute: int = 1) -> list[Trade]:
    """Trades of two symbols, every minute of so many hours."""
    return [
        trade(minute * per_minute + n, minute, symbol)
        for minute in range(60 * hours)
        for symbol in ("BTCUSDT", "ETHUSDT")
        for n in range(per_minute)
    ]


@dataclass
class Lake:
    """A lake that is fed through Bronze; offsets and batches count on."""

    spark: SparkSession
    settings: Settings
    fed: int = 0
    batches: int = 0

    def feed(self, trades: Iterable[Trade | bytes], settings: Settings | None = None) -> None:
        """Append messages to Bronze in one commit."""
        values = [each if isinstance(each, bytes) else messages.encode(each) for each in trades]
        feed_bronze(self.spark, values, self.fed, self.batches)
        self.fed += len(values)
        self.batches += 1

    def stream(self, names: Sequence[str] = (tables.SILVER, tables.GOLD)) -> None:
        """Let the streams work off what is there."""
        run_streams(self.spark, self.settings, names)

    def rebuild(
        self, layer: str, span: Span = EVERYTHING, dry_run: bool = False, **known: object
    ) -> list[Piece]:
        """Run the command's work."""
        settings = self.settings.model_copy(update=known)
        return Rebuild(self.spark, settings, span, dry_run).run(layer)

    def silver(self) -> list[Row]:
        """Every column of every row."""
        return sorted(self.spark.table(SILVER).collect())

    def gold(self) -> list[Row]:
        """Every column but updated_at."""
        rows = self.spark.table(GOLD).drop("updated_at").collect()
        return sorted(rows, key=lambda row: (row["symbol"], row["minute_ts"]))

    def sql(self, statement: str) -> None:
        """Spoil something by hand."""
        self.spark.sql(statement)

    def snapshots(self, table: str) -> list[Row]:
        """The commits of a table, oldest first."""
        found = self.spark.table(f"{tables.full_name(table)}.snapshots")
        return found.orderBy("committed_at").collect()

    def audit(self) -> list[Row]:
        """The audit rows of rebuilds."""
        rows = self.spark.table(tables.full_name(tables.AUDIT)).where("job = 'rebuild'")
        return rows.orderBy("started_at").collect()
