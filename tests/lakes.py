"""Small real lakes for tests: Iceberg tables written by pyiceberg, with the columns of sql/."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DecimalType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    NestedField,
    StringType,
    TimestamptzType,
)

from lakehouse import settings, tables
from lakehouse.settings import Settings

Row = Mapping[str, Any]
MIDNIGHT = datetime(2024, 8, 9, tzinfo=UTC)

_TEXT, _LONG, _TIME = StringType(), LongType(), TimestamptzType()
_KAFKA: dict[str, IcebergType] = {
    "kafka_topic": _TEXT,
    "kafka_partition": IntegerType(),
    "kafka_offset": _LONG,
    "kafka_timestamp": _TIME,
}
_KEY: dict[str, IcebergType] = {"exchange": _TEXT, "symbol": _TEXT, "agg_id": _LONG}
_COLUMNS: dict[str, dict[str, IcebergType]] = {
    tables.SILVER: _KEY
    | {
        "price": DecimalType(28, 8),
        "qty": DecimalType(28, 8),
        "quote_qty": DecimalType(38, 16),
        "is_buyer_maker": BooleanType(),
        "event_ts": _TIME,
        "dt_hour": _TIME,
    },
    tables.BRONZE: _KEY | _KAFKA | {"raw": BinaryType()},
    tables.QUARANTINE: _KEY
    | _KAFKA
    | {"reasons": ListType(99, _TEXT, element_required=False), "released_at": _TIME},
}


class LakeWriter:
    """A lake in `folder`, created with its tables; `append` is one Iceberg commit."""

    def __init__(self, folder: Path, names: Iterable[str] = tuple(_COLUMNS)) -> None:
        folder.mkdir(exist_ok=True)
        self.settings: Settings = settings.load(_env_file=None, data_dir=folder)
        uri = f"sqlite:///{self.settings.catalog_db}"
        self.catalog = SqlCatalog(tables.CATALOG, uri=uri, warehouse=self.settings.warehouse)
        self.catalog.create_namespace(tables.NAMESPACE)
        for name in names:
            self.catalog.create_table(f"{tables.NAMESPACE}.{name}", _schema(_COLUMNS[name]))

    def append(self, table: str, rows: Iterable[Row]) -> None:
        """Commit rows; columns that a row leaves out are null."""
        loaded = self.catalog.load_table(f"{tables.NAMESPACE}.{table}")
        schema = loaded.schema().as_arrow()
        full = [{name: row.get(name) for name in schema.names} for row in rows]
        loaded.append(pa.Table.from_pylist(full, schema=schema))


def silver_row(agg_id: int, symbol: str = "BTCUSDT", minutes: float = 0) -> Row:
    """A valid trade, `minutes` after midnight."""
    event_ts = MIDNIGHT + timedelta(minutes=minutes)
    price, qty = Decimal("61837.63000000"), Decimal("0.02000000")
    return {
        "exchange": "binance",
        "symbol": symbol,
        "agg_id": agg_id,
        "price": price,
        "qty": qty,
        "quote_qty": price * qty,
        "is_buyer_maker": True,
        "event_ts": event_ts,
        "dt_hour": event_ts.replace(minute=0, second=0, microsecond=0),
    }


def record(offset: int, agg_id: int | None, symbol: str | None = "BTCUSDT", **more: Any) -> Row:
    """A row of Bronze (or of quarantine) for the Kafka record at `offset` of partition 0."""
    return {
        "exchange": "binance",
        "symbol": symbol,
        "agg_id": agg_id,
        "kafka_topic": "binance.aggtrade",
        "kafka_partition": 0,
        "kafka_offset": offset,
        "kafka_timestamp": MIDNIGHT,
        **more,
    }


def _schema(columns: Mapping[str, IcebergType]) -> Schema:
    numbered = enumerate(columns.items(), start=1)
    return Schema(*(NestedField(number, name, kind) for number, (name, kind) in numbered))
