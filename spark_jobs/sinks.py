"""The only writes. A micro-batch that Spark runs again after a crash is not written again.

`foreachBatch` promises each batch at least once. Every append therefore carries the identity of
its batch (checkpoint and batch id) in the same Iceberg commit as its rows, and before the first
batch after a start the table is asked whether it holds that batch already.
"""

from dataclasses import dataclass, field

from pyspark.sql import DataFrame, SparkSession

from lakehouse import tables

_QUERY = "firehose.query-id"
_BATCH = "firehose.batch-id"


@dataclass(frozen=True)
class Batch:
    """The identity of a micro-batch: stable across restarts of the same checkpoint."""

    query_id: str
    batch_id: int


@dataclass
class OnceAppender:
    """Appends each batch to one table once. One instance serves one query on one table."""

    table: str
    _asked: set[str] = field(default_factory=set)

    def committed_rows(self, spark: SparkSession, batch: Batch) -> int | None:
        """Rows that the table already holds of this batch; None where it was not committed.

        Only the first batch after a start can have been committed before: later ones are new.
        """
        if batch.query_id in self._asked:
            return None
        self._asked.add(batch.query_id)
        found = spark.sql(
            f"SELECT coalesce(summary['added-records'], '0') AS added "
            f"FROM {tables.full_name(self.table)}.snapshots "
            f"WHERE summary['{_QUERY}'] = :query AND summary['{_BATCH}'] = :batch",
            args={"query": batch.query_id, "batch": str(batch.batch_id)},
        ).collect()
        return sum(int(row["added"]) for row in found) if found else None

    def append(self, rows: DataFrame, batch: Batch) -> None:
        """Append `rows` in one commit that names the batch; columns are matched by name."""
        (
            rows.writeTo(tables.full_name(self.table))
            .option(f"snapshot-property.{_QUERY}", batch.query_id)
            .option(f"snapshot-property.{_BATCH}", str(batch.batch_id))
            .append()
        )


def merge(rows: DataFrame, table: str, bounds: dict[str, object]) -> None:
    """Upsert `rows` by the table's `merge.sql`; `bounds` are its bound values."""
    view = f"changed_{table}"
    rows.createOrReplaceTempView(view)
    statement = tables.statement(table, "merge").format(source=view)
    rows.sparkSession.sql(statement, args=bounds)
