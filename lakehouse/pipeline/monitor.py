"""What the lake holds right now, read beside the running streams: cheap, and never in their way."""

from dataclasses import dataclass
from typing import Any

from lakehouse import tables
from lakehouse.catalog import s3_properties, table_locations
from lakehouse.errors import FirehoseError
from lakehouse.query import Lake
from lakehouse.settings import Settings

LAYERS = (tables.BRONZE, tables.SILVER, tables.QUARANTINE, tables.GOLD)

_LATEST_MINUTES = """
SELECT symbol, minute_ts, close, vwap_1m, volume, return_1m, spike
FROM lake.market.crypto_gold_minute
QUALIFY row_number() OVER (PARTITION BY exchange, symbol ORDER BY minute_ts DESC) = 1
ORDER BY symbol
"""


@dataclass(frozen=True)
class Layer:
    """One table: its rows and its last commit (s since 1970 UTC), zero before the first."""

    table: str
    rows: int = 0
    committed_at: float = 0.0


def layers(settings: Settings) -> list[Layer]:
    """Rows and last commit of each layer, from the tables' metadata alone."""
    try:
        locations = table_locations(settings)
    except FirehoseError:  # no lake yet: the streams are still starting
        locations = {}
    return [_layer(settings, name, locations.get(name)) for name in LAYERS]


def latest_minutes(settings: Settings) -> list[dict[str, Any]]:
    """The newest Gold row of each symbol; empty while there is none."""
    try:
        with Lake(settings) as lake:
            return lake.rows(_LATEST_MINUTES)
    except FirehoseError:
        return []


def _layer(settings: Settings, name: str, location: str | None) -> Layer:
    if location is None:
        return Layer(name)
    # Imported here because it takes a second, which the other commands need not pay.
    from pyiceberg.exceptions import NoSuchTableError
    from pyiceberg.table import StaticTable

    try:
        snapshot = StaticTable.from_metadata(location, s3_properties(settings)).current_snapshot()
    except (OSError, NoSuchTableError):  # the metadata was replaced between the two looks
        return Layer(name)
    if snapshot is None or snapshot.summary is None:
        return Layer(name)
    return Layer(name, int(snapshot.summary["total-records"] or 0), snapshot.timestamp_ms / 1000)
