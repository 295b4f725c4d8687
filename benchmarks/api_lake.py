"""A lake of Gold minutes for the benchmark of the read API, made quickly, column by column."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table

from benchmarks.silver_feed import SilverFeed
from lakehouse import tables
from lakehouse.settings import Settings
from tests.gold_lakes import NAMES, gold_row
from tests.lakes import LakeWriter

HOURS: Final = 24
_MINUTE: Final = 60


class GoldFeed:
    """Fills Gold with `symbols` and goes on, as the Gold job does, a commit at a time."""

    def __init__(self, folder: Path, symbols: int) -> None:
        self._writer = LakeWriter(folder, NAMES)
        self.settings: Settings = self._writer.settings
        self.symbols = [f"SYM{number:03}USDT" for number in range(symbols)]
        self._now = int(time.time()) // _MINUTE
        self._random = Random(7)
        self._schema = self._table().schema().as_arrow()
        self.silver = SilverFeed(self._writer.catalog, self.symbols)

    def fill(self) -> int:
        """The day before now, an hour a commit; the rows that it has."""
        rows = 0
        for hour in range(HOURS):
            first = self._now - (HOURS - hour) * _MINUTE
            batch = self._rows(range(first, first + _MINUTE))
            self._table().append(batch)
            rows += batch.num_rows
        return rows

    def commit(self) -> None:
        """Write the running hour anew with its newest minute changed, as a MERGE does."""
        minute = int(time.time()) // _MINUTE
        first = minute // _MINUTE * _MINUTE
        since = datetime.fromtimestamp(first * _MINUTE, UTC).isoformat()
        self._table().overwrite(
            self._rows(range(first, minute + 1)), overwrite_filter=f"minute_ts >= '{since}'"
        )

    def _table(self) -> Table:
        catalog: SqlCatalog = self._writer.catalog
        return catalog.load_table(f"{tables.NAMESPACE}.{tables.GOLD}")

    def _rows(self, minutes: Sequence[int]) -> pa.Table:
        count = len(minutes) * len(self.symbols)
        plain = gold_row(0)
        columns: dict[str, Any] = {name: [plain[name]] * count for name in self._schema.names}
        columns["symbol"] = self.symbols * len(minutes)
        at = [datetime.fromtimestamp(minute * _MINUTE, UTC) for minute in minutes]
        columns["minute_ts"] = [each for each in at for _ in self.symbols]
        for name, most in (("close", 10**13), ("volume", 10**12), ("quote_volume", 10**22)):
            scale = -16 if name == "quote_volume" else -8
            columns[name] = [
                Decimal(amount).scaleb(scale)
                for minute in minutes
                for amount in self._amounts(minute, name, most)
            ]
        columns["spike"] = [n % 4999 == 0 for n in range(count)]
        return pa.Table.from_pydict(columns, schema=self._schema)

    def _amounts(self, minute: int, name: str, most: int) -> list[int]:
        """One for each symbol; the same each time, but for the minute that still runs."""
        running = minute >= int(time.time()) // _MINUTE
        drawn = self._random if running else Random(f"{minute} {name}")
        return [drawn.randrange(1, most) for _ in self.symbols]
