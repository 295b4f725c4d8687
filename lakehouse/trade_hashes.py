"""A SHA-256 over each symbol's trades of each hour of Silver, streamed in bounded memory.

The lines are made by DuckDB and hashed as they lie in Arrow's buffers; nothing of a trade becomes
a Python object.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.errors import IncompleteError
from lakehouse.query import Lake
from lakehouse.tables import SILVER, full_name

# Rows that are sorted at once.
SLICE_ROWS = 1_000_000

Key = tuple[str, str, datetime]


class Extent(NamedTuple):
    """How many trades Silver has of a symbol and hour, and between which ids."""

    hour: datetime
    exchange: str
    symbol: str
    trades: int
    first_id: int
    last_id: int

    @property
    def key(self) -> Key:
        """Exchange, symbol, hour."""
        return (self.exchange, self.symbol, self.hour)


class Slice(NamedTuple):
    """What one query hashes: whole hours (`first` to `last`), or ids of one symbol's hour."""

    first: datetime
    last: datetime
    exchange: str | None = None
    symbol: str | None = None
    from_id: int = 0
    to_id: int = 0


_EXTENTS = f"""
SELECT dt_hour AS hour, exchange, symbol, count(*) AS trades, min(agg_id) AS first_id,
       max(agg_id) AS last_id
FROM {full_name(SILVER)} GROUP BY ALL ORDER BY ALL
"""

_LINES = f"""
SELECT exchange, symbol, dt_hour, {{line}} AS line FROM {full_name(SILVER)}
WHERE event_ts >= $first AND event_ts < $until AND dt_hour BETWEEN $first AND $last {{one_symbol}}
ORDER BY exchange, symbol, dt_hour, agg_id, line
"""
_ONE_SYMBOL = "AND exchange = $exchange AND symbol = $symbol AND agg_id BETWEEN $from_id AND $to_id"


def extents(lake: Lake) -> list[Extent]:
    """What Silver holds, hour by hour; the symbols of an hour in order."""
    return [Extent(**row) for row in lake.rows(_EXTENTS)]


def slices(found: Iterable[Extent], most: int = SLICE_ROWS) -> Iterator[Slice]:
    """Queries of about `most` rows each: several small hours together, a large one in parts."""
    by_hour: dict[datetime, list[Extent]] = {}
    for extent in found:
        by_hour.setdefault(extent.hour, []).append(extent)
    together: list[datetime] = []
    rows = 0
    for hour in sorted(by_hour):
        size = sum(extent.trades for extent in by_hour[hour])
        if together and rows + size > most:
            yield Slice(together[0], together[-1])
            together, rows = [], 0
        if size > most:
            yield from (part for extent in by_hour[hour] for part in _parts(extent, most))
        else:
            together.append(hour)
            rows += size
    if together:
        yield Slice(together[0], together[-1])


def hashes(lake: Lake, found: list[Extent], most: int = SLICE_ROWS) -> dict[Key, str]:
    """Hex SHA-256 of the canonical lines in order of id, for each of the extents.

    IncompleteError where rows of Silver are filed under an hour that is not theirs.
    """
    digest = _Digest({extent.key for extent in found})
    line = _line(lake) if found else ""
    for piece in slices(found, most):
        for batch in lake.stream(*_query(piece, line)):
            digest.update(batch)
    done = digest.finish()
    for extent in found:
        if done.counts.get(extent.key, 0) != extent.trades:
            raise IncompleteError(
                f"Silver files trades of {extent.exchange} {extent.symbol} under the hour "
                f"{extent.hour:%Y-%m-%d %H}h that are not of it.",
                "dt_hour must be the hour of event_ts; somebody else wrote to the table.",
            )
    return done.hashes


class _Digest:
    """Takes sorted lines batch by batch; one hash for each run of one key."""

    def __init__(self, wanted: set[Key]) -> None:
        self.hashes: dict[Key, str] = {}
        self.counts: dict[Key, int] = {}
        self._wanted = wanted
        self._key: Key | None = None
        self._hash = hashlib.sha256()

    def update(self, batch: pa.RecordBatch) -> None:
        for begin, end in _runs(batch):
            key: Key = tuple(batch.column(number)[begin].as_py() for number in range(3))
            if key not in self._wanted:
                continue
            if key != self._key:
                self.finish()
                self._key, self._hash = key, hashlib.sha256()
            self._hash.update(_text(batch.column(3), begin, end))
            self.counts[key] = self.counts.get(key, 0) + end - begin

    def finish(self) -> "_Digest":
        if self._key is not None:
            self.hashes[self._key] = self._hash.hexdigest()
        return self


def _line(lake: Lake) -> str:
    """The expression that makes a trade's canonical line; what is null is left empty."""
    price, qty = lake.stream(f"SELECT price, qty FROM {full_name(SILVER)} LIMIT 0").types
    fields = (
        "agg_id::VARCHAR",
        _plain("price", price),
        _plain("qty", qty),
        "first_trade_id::VARCHAR",
        "last_trade_id::VARCHAR",
        "epoch_us(event_ts)::VARCHAR",
        "is_buyer_maker::VARCHAR",
    )
    return " || ',' || ".join(f"coalesce({field}, '')" for field in fields) + " || chr(10)"


def _plain(column: str, duckdb_type: str) -> str:
    """A decimal as text without trailing zeros, whatever the scale it is stored with."""
    text, scale = f"{column}::VARCHAR", int(duckdb_type.rstrip(")").rpartition(",")[2])
    if scale <= 18:
        # As exact, and four times as fast for all that fit into 64 bits.
        text = f"coalesce(TRY_CAST({column} AS DECIMAL(18,{scale}))::VARCHAR, {text})"
    return f"rtrim(rtrim({text}, '0'), '.')" if scale else text


def _query(piece: Slice, line: str) -> tuple[str, dict[str, Any]]:
    until = piece.last + timedelta(hours=1)
    bound: dict[str, Any] = {"first": piece.first, "last": piece.last, "until": until}
    if piece.symbol is None:
        return _LINES.format(line=line, one_symbol=""), bound
    bound |= {"exchange": piece.exchange, "symbol": piece.symbol}
    bound |= {"from_id": piece.from_id, "to_id": piece.to_id}
    return _LINES.format(line=line, one_symbol=_ONE_SYMBOL), bound


def _parts(extent: Extent, most: int) -> Iterator[Slice]:
    for lo in range(extent.first_id, extent.last_id + 1, most):
        hi = min(lo + most - 1, extent.last_id)
        yield Slice(extent.hour, extent.hour, extent.exchange, extent.symbol, lo, hi)


def _runs(batch: pa.RecordBatch) -> Iterator[tuple[int, int]]:
    """(begin, end) of the rows that share exchange, symbol and hour."""
    rows = batch.num_rows
    if not rows:
        return
    changed = pa.array([False] * (rows - 1), pa.bool_())
    for number in range(3):
        column = batch.column(number)
        changed = pc.or_(changed, pc.not_equal(column.slice(1), column.slice(0, rows - 1)))
    starts = [0, *(index + 1 for index in pc.indices_nonzero(changed).to_pylist())]
    yield from zip(starts, [*starts[1:], rows], strict=True)


def _text(lines: pa.Array, begin: int, end: int) -> memoryview:
    """The bytes of consecutive lines, as they lie in memory."""
    lines = lines.cast(pa.string())
    _, offsets, data = lines.buffers()
    at = memoryview(offsets).cast("B").cast("i")
    return memoryview(data)[at[lines.offset + begin] : at[lines.offset + end]]
