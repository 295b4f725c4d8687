"""A day of Silver for the benchmark of the read API: only what completeness by hour reads."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pyarrow as pa
from pyiceberg.catalog import Catalog

from lakehouse import tables

HOURS: Final = 25
_FIRST_ID: Final = 1_000_000


class SilverFeed:
    """Fills Silver with so many trades an hour over all symbols, and goes on without a hole."""

    def __init__(self, catalog: Catalog, symbols: list[str]) -> None:
        self._catalog, self._symbols = catalog, symbols
        self._next = _FIRST_ID
        self._schema = self._catalog.load_table(self._name).schema().as_arrow()

    @property
    def _name(self) -> str:
        return f"{tables.NAMESPACE}.{tables.SILVER}"

    def fill(self, hourly_trades: int) -> int:
        """The newest 25 hours, one file each; the rows that they have."""
        each = hourly_trades // len(self._symbols)
        for ago in range(HOURS - 1, -1, -1):
            self.commit(each, ago)
        return HOURS * each * len(self._symbols)

    def commit(self, each: int, hours_ago: int = 0) -> None:
        """So many more trades of every symbol, in the hour that began so many hours ago."""
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        count = each * len(self._symbols)
        at = pa.array([now - timedelta(hours=hours_ago)] * count, pa.timestamp("us", "UTC"))
        ids = list(range(self._next, self._next + each)) * len(self._symbols)
        columns = {
            "exchange": pa.array(["binance"] * count),
            "symbol": pa.array([symbol for symbol in self._symbols for _ in range(each)]),
            "agg_id": pa.array(ids, pa.int64()),
            **dict.fromkeys(("event_ts", "dt_hour"), at),
        }
        self._next += each
        full = {f.name: columns.get(f.name, pa.nulls(count, f.type)) for f in self._schema}
        self._catalog.load_table(self._name).append(pa.table(full, schema=self._schema))
