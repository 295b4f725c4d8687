"""Small real lakes for tests: Iceberg tables written by pyiceberg, with the columns of sql/."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyiceberg.catalog import Catalog
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
from tests import table_docs

Row = Mapping[str, Any]
# What the completeness proof looks at.
PROVED = (tables.SILVER, tables.BRONZE, tables.QUARANTINE)
MIDNIGHT = datetime(2024, 8, 9, tzinfo=UTC)

_TEXT, _LONG, _TIME = StringType(), LongType(), TimestamptzType()
_TYPES: dict[str, IcebergType] = {
    "STRING": _TEXT,
    "INT": IntegerType(),
    "BIGINT": _LONG,
    "BINARY": BinaryType(),
    "BOOLEAN": BooleanType(),
    "TIMESTAMP": _TIME,
    "DECIMAL(28,8)": DecimalType(28, 8),
    "DECIMAL(38,8)": DecimalType(38, 8),
    "DECIMAL(38,12)": DecimalType(38, 12),
    "DECIMAL(38,16)": DecimalType(38, 16),
    "ARRAY<STRING>": ListType(99, _TEXT, element_required=False),
}


class LakeWriter:
    """A lake in `folder`, created with its tables; `append` is one Iceberg commit."""

    def __init__(self, folder: Path, names: Iterable[str] = PROVED) -> None:
        folder.mkdir(exist_ok=True)
        self.settings: Settings = settings.load(_env_file=None, data_dir=folder)
        uri = f"sqlite:///{self.settings.catalog_db}"
        self.catalog = SqlCatalog(tables.CATALOG, uri=uri, warehouse=self.settings.warehouse)
        create_tables(self.catalog, names)

    def append(self, table: str, rows: Iterable[Row]) -> None:
        """Commit rows; columns that a row leaves out are null."""
        append(self.catalog, table, rows)


def create_tables(catalog: Catalog, names: Iterable[str]) -> None:
    """The namespace and its tables, with the columns of sql/ and no partitions."""
    catalog.create_namespace(tables.NAMESPACE)
    for name in names:
        add_table(catalog, name)


def add_table(catalog: Catalog, name: str) -> None:
    """One more table in the namespace."""
    catalog.create_table(f"{tables.NAMESPACE}.{name}", _schema(name))


def append(catalog: Catalog, table: str, rows: Iterable[Row]) -> None:
    """Commit rows; columns that a row leaves out are null."""
    loaded = catalog.load_table(f"{tables.NAMESPACE}.{table}")
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


def _schema(table: str) -> Schema:
    numbered = enumerate(table_docs.columns(table), start=1)
    return Schema(*(NestedField(id_, name, _TYPES[kind]) for id_, (name, kind, _) in numbered))
