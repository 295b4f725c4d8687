"""Arrow columns as Python values: decimals as whole units, rows as JSON carries them."""

import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import pyarrow as pa

from lakehouse.api.units import text
from lakehouse.values import Json, plain

MICROS: Final = 1_000_000
_INT128: Final = struct.Struct("<Qq")


def units(column: pa.ChunkedArray) -> list[int | None]:
    """A column of decimals as whole numbers of its smallest unit."""
    return [number for chunk in column.chunks for number in _chunk_units(chunk)]


def micros(column: pa.ChunkedArray) -> list[int | None]:
    """A column of timestamps as microseconds since 1970 UTC."""
    numbers: list[int | None] = column.cast(pa.int64()).to_pylist()
    return numbers


def rows(table: pa.Table) -> list[dict[str, Json]]:
    """Each row as an object: decimals as exact text, times as ISO 8601 in UTC."""
    columns = [_plain(table.column(name)) for name in table.schema.names]
    names = table.schema.names
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


@lru_cache(maxsize=50_000)
def iso(instant_micros: int) -> str:
    """Microseconds since 1970 as ISO 8601 in UTC, with a fraction where there is one."""
    seconds, part = divmod(instant_micros, MICROS)
    told = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{told}.{part:06d}Z" if part else f"{told}Z"


def _plain(column: pa.ChunkedArray) -> list[Json]:
    kind = column.type
    if pa.types.is_decimal128(kind):
        return [text(number, kind.scale) for number in units(column)]
    if pa.types.is_timestamp(kind) and kind.unit == "us":
        return [None if at is None else iso(at) for at in micros(column)]
    return [plain(value) for value in column.to_pylist()]


def _chunk_units(chunk: pa.Decimal128Array) -> list[int | None]:
    """By the bytes themselves: to_pylist makes a Decimal of each, five times as slow."""
    data = chunk.buffers()[1]
    if data is None:
        return [None] * len(chunk)
    start = chunk.offset * _INT128.size
    pairs = _INT128.iter_unpack(memoryview(data)[start : start + len(chunk) * _INT128.size])
    numbers = [(high << 64) + low for low, high in pairs]
    if not chunk.null_count:
        return list(numbers)
    valid = chunk.is_valid().to_pylist()
    return [number if there else None for number, there in zip(numbers, valid, strict=True)]


Row = Mapping[str, Json]
