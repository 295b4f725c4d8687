"""The trades that have happened so far, as REST answers them.

`RecordedHistory` keeps what a recording has played in a private SQLite file that SQLite deletes
by itself: at most 64 MiB of memory, about 110 bytes of temporary disk per trade.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from lakehouse.trade import Trade
from producer.simulator.frames import Tick

_PAGE_CACHE_KIB: Final = 65_536
_PAGE: Final = 1000
_COLUMNS: Final = "id, price, qty, first_trade_id, last_trade_id, time, is_buyer_maker"


class Extent(NamedTuple):
    """What of a symbol has happened: its first and last id, and how many distinct ids."""

    first_id: int
    last_id: int
    distinct: int


class History(Protocol):
    """What REST needs to know. Times are µs UTC; every answer is in order of the ids."""

    def symbols(self) -> tuple[str, ...]:
        """All symbols the exchange lists."""
        ...

    def extent(self, symbol: str) -> Extent | None:
        """None before the first trade."""
        ...

    def from_id(self, symbol: str, agg_id: int, limit: int) -> list[Tick]:
        """At most `limit` trades with ids from `agg_id` on."""
        ...

    def latest(self, symbol: str, until: int | None, limit: int) -> list[Tick]:
        """The last `limit` trades up to and with the time `until`."""
        ...

    def between(self, symbol: str, start: int, until: int | None) -> Iterator[Tick]:
        """All trades with start <= time <= until, read piece by piece."""
        ...


class RecordedHistory:
    """Trades added as they are played; an id that comes twice is kept as it came first."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self._symbols = tuple(symbols)
        self._extents: dict[str, Extent] = {}
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute(f"PRAGMA cache_size=-{_PAGE_CACHE_KIB}")
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute(
            "CREATE TABLE trade (symbol TEXT, id INTEGER, price TEXT, qty TEXT,"
            " first_trade_id INTEGER, last_trade_id INTEGER, time INTEGER, is_buyer_maker INTEGER,"
            " PRIMARY KEY (symbol, id)) WITHOUT ROWID"
        )
        self._db.execute("CREATE INDEX trade_time ON trade (symbol, time, id)")

    def add(self, trades: Sequence[Trade]) -> None:
        """Take the trades of one batch, any symbols, in any order."""
        by_symbol: dict[str, list[Trade]] = {}
        for trade in trades:
            by_symbol.setdefault(trade.symbol, []).append(trade)
        self._db.execute("BEGIN")
        for symbol, part in by_symbol.items():
            self._add(symbol, part)
        self._db.execute("COMMIT")

    def _add(self, symbol: str, trades: Sequence[Trade]) -> None:
        cursor = self._db.executemany(
            "INSERT OR IGNORE INTO trade VALUES (?, ?, ?, ?, ?, ?, ?, ?)", map(_row, trades)
        )
        ids = [trade.agg_id for trade in trades]
        old = self._extents.get(symbol, Extent(ids[0], ids[0], 0))
        self._extents[symbol] = Extent(
            min(old.first_id, *ids), max(old.last_id, *ids), old.distinct + cursor.rowcount
        )
        if symbol not in self._symbols:
            self._symbols += (symbol,)

    def symbols(self) -> tuple[str, ...]:
        return self._symbols

    def extent(self, symbol: str) -> Extent | None:
        return self._extents.get(symbol)

    def from_id(self, symbol: str, agg_id: int, limit: int) -> list[Tick]:
        return self._ticks("id >= ? ORDER BY id LIMIT ?", symbol, agg_id, limit)

    def latest(self, symbol: str, until: int | None, limit: int) -> list[Tick]:
        if until is None:
            return self._ticks("1 ORDER BY id DESC LIMIT ?", symbol, limit)[::-1]
        where = "time <= ? ORDER BY time DESC, id DESC LIMIT ?"
        return sorted(self._ticks(where, symbol, until, limit))

    def between(self, symbol: str, start: int, until: int | None) -> Iterator[Tick]:
        last = 2**62 if until is None else until
        time, after = start, -(2**62)
        where = "(time, id) > (?, ?) AND time <= ? ORDER BY time, id LIMIT ?"
        while page := self._ticks(where, symbol, time, after, last, _PAGE):
            yield from page
            time, after = page[-1].time, page[-1].agg_id

    def _ticks(self, where: str, symbol: str, *values: int) -> list[Tick]:
        query = f"SELECT {_COLUMNS} FROM trade WHERE symbol = ? AND {where}"
        rows = self._db.execute(query, (symbol, *values))
        return [Tick(*row)._replace(is_buyer_maker=bool(row[6])) for row in rows]


def _row(trade: Trade) -> tuple[str, int, str, str, int, int, int, bool]:
    return (
        trade.symbol,
        trade.agg_id,
        trade.price,
        trade.qty,
        trade.first_trade_id,
        trade.last_trade_id,
        trade.trade_time,
        trade.is_buyer_maker,
    )
