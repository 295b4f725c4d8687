"""Which Kafka records the lake holds in quarantine: the reading of the topic must know them."""

import json
from collections.abc import Mapping
from pathlib import Path

from lakehouse.query import Lake
from lakehouse.tables import QUARANTINE, SILVER, full_name

# partition → offset → whether its id lies outside what Silver holds of its symbol (a stray).
SetAside = Mapping[int, Mapping[int, bool]]

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


def write(found: SetAside, path: Path) -> None:
    """For another program of ours."""
    path.write_text(json.dumps(found), encoding="utf-8")


def read(path: Path) -> SetAside:
    """What `write` wrote; JSON's names are texts."""
    found: dict[str, dict[str, bool]] = json.loads(path.read_text(encoding="utf-8"))
    return {
        int(partition): {int(offset): stray for offset, stray in offsets.items()}
        for partition, offsets in found.items()
    }
