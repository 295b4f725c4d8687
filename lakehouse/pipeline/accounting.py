"""After a fed run: is every trade that the exchange produced in Silver, exactly once?"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from lakehouse.errors import IncompleteError
from lakehouse.pipeline.feed import Extent
from lakehouse.query import Lake

# What was set aside is accounted for as well: an id in quarantine is not lost.
_HELD = """
WITH silver AS (
  SELECT agg_id FROM lake.market.crypto_silver_trades
  WHERE exchange = 'binance' AND symbol = $symbol AND agg_id BETWEEN $first AND $last
), aside AS (
  SELECT DISTINCT agg_id FROM lake.market.crypto_quarantine
  WHERE symbol = $symbol AND agg_id BETWEEN $first AND $last
    AND agg_id NOT IN (SELECT agg_id FROM silver)
)
SELECT (SELECT count(*) FROM silver) AS stored,
       (SELECT count(DISTINCT agg_id) FROM silver) AS ids,
       (SELECT count(*) FROM aside) AS quarantined
"""


@dataclass(frozen=True)
class Account:
    """One symbol: ids that the exchange produced, rows and ids of Silver, ids set aside."""

    symbol: str
    produced: int
    stored: int
    ids: int
    quarantined: int

    @property
    def lost(self) -> int:
        """Ids that are nowhere."""
        return self.produced - self.ids - self.quarantined

    @property
    def duplicated(self) -> int:
        """Rows of Silver beyond one for each id."""
        return self.stored - self.ids


def accounts(lake: Lake, truth: Sequence[Extent]) -> list[Account]:
    """Silver held against what the exchange produced, symbol by symbol."""
    found = []
    for extent in truth:
        bounds = {"symbol": extent.symbol, "first": extent.first_id, "last": extent.last_id}
        [row] = lake.rows(_HELD, bounds)
        found.append(Account(extent.symbol, extent.count, **row))
    return found


def table(found: Sequence[Account]) -> Table:
    """For people."""
    drawn = Table("symbol", title="Produced by the exchange and held in Silver")
    for name in ("produced", "in Silver", "in quarantine", "lost", "duplicated"):
        drawn.add_column(name, justify="right")
    for each in found:
        figures = (each.produced, each.stored, each.quarantined, each.lost, each.duplicated)
        style = "bold red" if each.lost or each.duplicated else None
        drawn.add_row(each.symbol, *(f"{figure:,}" for figure in figures), style=style)
    return drawn


def raise_if_unequal(found: Sequence[Account]) -> None:
    """IncompleteError that counts what is lost or duplicated."""
    lost = sum(each.lost for each in found)
    duplicated = sum(each.duplicated for each in found)
    if lost or duplicated:
        raise IncompleteError(
            f"{lost:,} trades of the exchange are not in Silver, {duplicated:,} are there twice.",
            "`firehose verify` lists them.",
        )
