"""Snapshots that nobody needs any more go, and with them the files that only they know.

By their ids, one by one: Iceberg's own rule (an age, a number) knows nothing of the streams.
"""

import json
import time
from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession

from lakehouse.settings import Settings
from spark_jobs import release_writes, sinks, snapshots
from spark_jobs.maintenance import plan
from spark_jobs.maintenance.layouts import LAYOUTS
from spark_jobs.maintenance.plan import Position, Snapshot
from spark_jobs.maintenance.positions import position


@dataclass(frozen=True)
class Expired:
    """How many snapshots and files went; `held`: why none of the table may."""

    snapshots: int = 0
    files: int = 0
    held: str = ""


def expirable(spark: SparkSession, settings: Settings, table: str) -> tuple[list[int], str]:
    """The ids that may go, the oldest first, and why none of the table may, if so."""
    # The checkpoint first: a stream that goes on meanwhile needs less than it says.
    read = _position(spark, settings, table)
    told = _metadata(spark, table)
    found = [Snapshot.read(each) for each in told.get("snapshots", ())]
    if read is not None and read.snapshot is not None and read.snapshot not in _ids(found):
        read = Position(None, f"its reader stands at snapshot {read.snapshot}, which is gone")
    named = {int(each["snapshot-id"]) for each in told.get("refs", {}).values()}
    named |= _unsettled(spark, told) | {int(told.get("current-snapshot-id") or -1)}
    before_ms = int((time.time() - settings.snapshot_keep_minutes * 60) * 1000)
    return plan.expirable(found, named, read, before_ms), "" if read is None else read.why


def expire(spark: SparkSession, settings: Settings, table: str) -> Expired:
    """Let them go; readers that stand on one of them have had SNAPSHOT_KEEP_MINUTES."""
    ids, held = expirable(spark, settings, table)
    if not ids:
        return Expired(held=held)
    jvm: Any = spark.sparkContext._jvm
    actions = jvm.org.apache.iceberg.spark.actions.SparkActions.get(spark._jsparkSession)
    # Without an age of ours Iceberg's would hold: snapshots of five days go, whoever needs them.
    action = actions.expireSnapshots(snapshots.load(spark, table)).expireOlderThan(0)
    for each in ids:
        action = action.expireSnapshotId(each)
    done = action.execute()
    files = (
        done.deletedDataFilesCount(), done.deletedManifestsCount(),
        done.deletedManifestListsCount(), done.deletedPositionDeleteFilesCount(),
    )  # fmt: skip
    return Expired(len(ids), sum(files))


def _position(spark: SparkSession, settings: Settings, table: str) -> Position | None:
    reader = LAYOUTS[table].reader
    return None if reader is None else position(spark, f"{settings.checkpoints}/{reader}")


def _metadata(spark: SparkSession, table: str) -> dict[str, Any]:
    """The table's metadata: one call, where each snapshot would be several."""
    jvm: Any = spark.sparkContext._jvm
    current = snapshots.load(spark, table).operations().current()
    found: dict[str, Any] = json.loads(jvm.org.apache.iceberg.TableMetadataParser.toJson(current))
    return found


def _ids(found: list[Snapshot]) -> set[int]:
    return {each.id for each in found}


def _unsettled(spark: SparkSession, told: dict[str, Any]) -> set[int]:
    """Commits of releases that are not audited yet: the next release writes their rows."""
    released = {
        str(each["summary"].get(sinks.QUERY)): int(each["snapshot-id"])
        for each in told.get("snapshots", ())
        if release_writes.COUNTS in each.get("summary", {})
    }
    open_ = {row["query"] for row in release_writes.unaudited(spark)} if released else set()
    return {id_ for query, id_ in released.items() if query in open_}
