"""What retention took away, for the statements that prove a lake: they must not miss it."""

from typing import Final

from lakehouse.query import Lake
from lakehouse.retention import Removed
from lakehouse.tables import AUDIT, BRONZE

# One row: `before`, `rows`.
BRONZE_REMOVED: Final = "bronze_removed"
# `query_id`, `rows_in`: the batches of Silver's stream whose rows of ops_audit are gone.
AUDIT_REMOVED: Final = "audit_removed"


def keep(lake: Lake) -> None:
    """Give a lake's statements BRONZE_REMOVED and AUDIT_REMOVED."""
    bronze, audit = removed(lake, BRONZE), removed(lake, AUDIT)
    lake.keep(
        BRONZE_REMOVED,
        "SELECT $before::TIMESTAMPTZ AS before, $rows::BIGINT AS rows",
        {"before": bronze.before, "rows": bronze.rows},
    )
    lake.keep(
        AUDIT_REMOVED,
        "SELECT unnest($queries::VARCHAR[]) AS query_id, unnest($sums::BIGINT[]) AS rows_in",
        {"queries": list(audit.sums), "sums": list(audit.sums.values())},
    )


def removed(lake: Lake, table: str) -> Removed:
    """What is gone of a table; nothing where the lake has no such table."""
    if table not in lake.tables:
        return Removed()
    return Removed.read(lake.metadata(table).get("properties", {}))
