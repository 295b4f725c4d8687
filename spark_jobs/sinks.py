"""The only writes. Each is decided from what is known of its table, and holds only if that is so.

`foreachBatch` promises each batch at least once, and a process that was taken for dead may wake
up and write. So an append names its batch in its own Iceberg commit, and is conditional: it fails
with Conflict where anybody has added or replaced rows since the snapshot that the writer knew.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from lakehouse.errors import StackError
from spark_jobs import snapshots
from spark_jobs.refusals import was_refused

QUERY = "firehose.query-id"
BATCH = "firehose.batch-id"
_COMMIT = "firehose.commit-id"
MOST_TRIES = 10
Properties = Mapping[str, str]
# All streams of an application write to ops_audit: to wait is cheaper than to be refused.
_TURNS: defaultdict[str, Lock] = defaultdict(Lock)
_CHANGES = {"append", "overwrite", "delete"}


class Conflict(Exception):
    """Others have changed the table since the snapshot that the writer knew; nothing is written."""

    def __init__(self, table: str) -> None:
        super().__init__(f"{table} was changed by another writer meanwhile")
        self.table = table


@dataclass(frozen=True)
class Batch:
    """The identity of a micro-batch: stable across restarts of the same checkpoint."""

    query_id: str
    batch_id: int

    @property
    def properties(self) -> dict[str, str]:
        """The identity as it stands in a snapshot's summary."""
        return {QUERY: self.query_id, BATCH: str(self.batch_id)}


def snapshot_id(spark: SparkSession, table: str) -> int | None:
    """The table's newest snapshot; None before its first commit. Costs about 10 ms."""
    return snapshots.current_id(snapshots.load(spark, table))


def append_if_unchanged(
    rows: DataFrame, table: str, since: int | None, properties: Properties
) -> int:
    """Append `rows` in one commit if no row came or went since snapshot `since`.

    Columns are matched by name; `properties` go into the commit's summary. Returns the id of the
    new snapshot. Conflict where the table was changed, or where `since` is no longer in its
    history; compaction is no change. Skip it for no rows: they would still make a commit.
    """
    # Files that were deleted whole are no conflict to Iceberg: they can't make a key stand twice.
    # Nor can one that falls between this look and the commit, but the writer should know of all.
    refuse_if_changed(rows.sparkSession, table, since)
    return _written(rows, table, F.lit(False), since, properties)


def replace_if_unchanged(
    rows: DataFrame, table: str, where: Column, since: int | None, properties: Properties
) -> int:
    """Put `rows` into the place of what `where` selects, in one commit, as above.

    Only changes to what `where` selects are a Conflict. It must select whole files: whole
    partitions, as a range of `event_ts` from hour to hour does.
    """
    _refuse(rows.sparkSession, table, since, {"delete"})
    return _written(rows, table, where, since, properties)


def refuse_if_changed(spark: SparkSession, table: str, since: int | None) -> None:
    """Conflict where a row came or went since `since`; for a decision to write nothing."""
    _refuse(spark, table, since, _CHANGES)


def _refuse(spark: SparkSession, table: str, since: int | None, operations: set[str]) -> None:
    """Conflict where one of these was done after `since`; saves the writing, too."""
    found = snapshots.operations(snapshots.load(spark, table), since)
    if found is None or found & operations:
        raise Conflict(table)


def _written(
    rows: DataFrame, table: str, where: Column, since: int | None, properties: Properties
) -> int:
    """Commit as above; the id of the snapshot that it made."""
    commit = uuid.uuid4().hex
    known = _first_snapshot(rows.sparkSession, table) if since is None else since
    _commit(rows, table, where, known, {**properties, _COMMIT: commit})
    return _snapshot_of(rows.sparkSession, table, known, commit)


def _commit(rows: DataFrame, table: str, where: Column, since: int, properties: Properties) -> None:
    writer = rows.writeTo(tables.full_name(table))
    writer = writer.option("isolation-level", "serializable")
    writer = writer.option("validate-from-snapshot-id", str(since))
    for name, value in properties.items():
        writer = writer.option(f"snapshot-property.{name}", value)
    with _refused(table):
        writer.overwrite(where)


@contextmanager
def _refused(table: str) -> Iterator[None]:
    """Conflict where Iceberg refuses the block's commit because of what others committed."""
    try:
        yield
    except Exception as error:
        if was_refused(error):
            raise Conflict(table) from error
        raise


def _first_snapshot(spark: SparkSession, table: str) -> int:
    """An empty first commit, as a table without any has nothing that a condition could name."""
    # Without a start Iceberg would look at what is left of the history: an append that was
    # compacted and expired meanwhile would go unseen.
    loaded = snapshots.load(spark, table)
    loaded.newFastAppend().commit()
    first = loaded.currentSnapshot()
    if first.parentId() is not None:
        raise Conflict(table)
    return int(first.snapshotId())


def _snapshot_of(spark: SparkSession, table: str, since: int, commit: str) -> int:
    for snapshot in snapshots.committed_after(snapshots.load(spark, table), since):
        if snapshot.summary().get(_COMMIT) == commit:
            return int(snapshot.snapshotId())
    raise LookupError(f"the commit just made is not in the history of {table}")


@dataclass
class OnceAppender:
    """Appends each batch to one table once. One instance serves one query on one table."""

    table: str
    _asked: set[str] = field(default_factory=set)
    # The table's newest snapshot when it was last looked through for the batch.
    _seen: int | None = None

    def committed_rows(self, spark: SparkSession, batch: Batch) -> int | None:
        """Rows that the table already holds of this batch; None where it was not committed.

        Only the first batch after a start can have been committed before: later ones are new.
        """
        done = self.committed(spark, batch)
        return None if done is None else added(done)

    def committed(self, spark: SparkSession, batch: Batch) -> Mapping[str, str] | None:
        """The summary of the commit that holds this batch already, as above."""
        if batch.query_id in self._asked:
            return None
        self._asked.add(batch.query_id)
        self._seen = snapshot_id(spark, self.table)
        found = spark.sql(
            f"SELECT summary FROM {tables.full_name(self.table)}.snapshots "
            f"WHERE summary['{QUERY}'] = :query AND summary['{BATCH}'] = :batch",
            args={"query": batch.query_id, "batch": str(batch.batch_id)},
        ).first()
        return None if found is None else dict(found["summary"])

    def append(self, rows: DataFrame, batch: Batch) -> None:
        """Append `rows` in one commit that names the batch; columns are matched by name.

        Others may append to the table meanwhile: Conflict only where every try met one. StackError
        where they wrote this very batch.
        """
        with _TURNS[self.table]:
            for _ in range(MOST_TRIES - 1):
                try:
                    return self._append(rows, batch)
                except Conflict:
                    continue
            self._append(rows, batch)

    def _append(self, rows: DataFrame, batch: Batch) -> None:
        self.refuse_if_written(rows.sparkSession, batch)
        if self._seen is None:
            self._seen = _first_snapshot(rows.sparkSession, self.table)
        _commit(rows, self.table, F.lit(False), self._seen, batch.properties)

    def append_if_unchanged(
        self, rows: DataFrame, batch: Batch, since: int | None, more: Mapping[str, str]
    ) -> int:
        """`append_if_unchanged` with the batch's identity beside `more` properties."""
        self._seen = append_if_unchanged(rows, self.table, since, {**batch.properties, **more})
        return self._seen

    def refuse_if_written(self, spark: SparkSession, batch: Batch) -> None:
        """StackError where another process has committed this batch since the last look."""
        loaded = snapshots.load(spark, self.table)
        looked, self._seen = self._seen, snapshots.current_id(loaded)
        if batch.query_id not in self._asked:
            return  # whoever never asked has another way to know
        try:
            for snapshot in snapshots.committed_after(loaded, looked):
                if _names(snapshot, batch):
                    raise _taken(self.table, batch)
        except LookupError:
            pass  # the rest was expired: it was there long before this batch


def added(summary: Mapping[str, str]) -> int:
    """The rows that a commit added, by its summary; it says nothing where there were none."""
    return int(summary.get("added-records", "0"))


def _names(snapshot: Any, batch: Batch) -> bool:
    return all(snapshot.summary().get(name) == told for name, told in batch.properties.items())


def _taken(table: str, batch: Batch) -> StackError:
    return StackError(
        f"Another process has written batch {batch.batch_id} to {table}.",
        "Two work with one checkpoint: end one of them.",
    )


def crowded(table: str) -> StackError:
    """What to raise where every try met a Conflict."""
    return StackError(
        f"{table} was changed by others in each of {MOST_TRIES} tries to append to it.",
        "One writer fills it at a time: end the other streams, or wait for the rebuild.",
    )


def merge(rows: DataFrame, table: str, bounds: dict[str, object], name: str = "merge") -> None:
    """Upsert by a statement of the table with the values `bounds`; or Conflict, nothing written."""
    view = f"changed_{table}"
    rows.createOrReplaceTempView(view)
    statement = tables.statement(table, name).format(source=view)
    with _refused(table):
        rows.sparkSession.sql(statement, args=bounds)
