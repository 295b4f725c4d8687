"""How each table is laid out: the time that its rows go by, and the order within its files."""

from dataclasses import dataclass
from typing import Final

from lakehouse import tables


@dataclass(frozen=True)
class Layout:
    """`time`: the column that its partitions are made of. `order`: what files are sorted by.

    `reader`: the stream that follows the table's snapshots. `ages`: a row is as old as the newest
    of these times, for retention by whole days.
    """

    time: str
    order: tuple[str, ...]
    reader: str | None = None
    ages: tuple[str, ...] = ()


# A record of an old trade that came today is young: what came lately is all there.
_RECORD_AGES: Final = ("event_ts", "kafka_timestamp")
# Of each table of lakehouse.maintenance.TABLES.
LAYOUTS: Final = {
    tables.BRONZE: Layout("event_ts", ("symbol", "agg_id"), tables.SILVER, _RECORD_AGES),
    tables.SILVER: Layout("event_ts", ("symbol", "agg_id"), reader=tables.GOLD),
    tables.QUARANTINE: Layout("quarantined_at", ("kafka_topic", "kafka_partition", "kafka_offset")),
    tables.GOLD: Layout("minute_ts", ("symbol", "minute_ts")),
    tables.AUDIT: Layout("started_at", ("job", "started_at"), ages=("started_at",)),
    tables.GAP: Layout("detected_at", ("symbol", "from_id")),
    tables.SPIKE: Layout("detected_at", ("symbol", "minute_ts")),
    tables.SUMMARY: Layout("created_at", ("created_at",)),
}
