"""Asks the lake which records of a Kafka topic it holds in quarantine."""

from lakehouse.query import Lake
from lakehouse.set_aside import SetAside
from lakehouse.tables import QUARANTINE, SILVER, full_name

_RECORDS = f"""
WITH bounds AS (
  SELECT exchange, symbol, min(agg_id) AS lo, max(agg_id) AS hi FROM {full_name(SILVER)}
  GROUP BY ALL
)
SELECT kafka_partition, kafka_offset, NOT coalesce(agg_id BETWEEN lo AND hi, false) AS stray
FROM {full_name(QUARANTINE)} LEFT JOIN bounds USING (exchange, symbol)
WHERE released_at IS NULL AND kafka_topic = $topic
"""


def records(lake: Lake, topic: str) -> SetAside:
    """The records of a topic that are in quarantine, as they stand."""
    found: dict[int, dict[int, bool]] = {}
    if {QUARANTINE, SILVER} <= {*lake.tables}:
        for row in lake.rows(_RECORDS, {"topic": topic}):
            found.setdefault(row["kafka_partition"], {})[row["kafka_offset"]] = row["stray"]
    return found
