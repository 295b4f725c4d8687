"""Kafka → Bronze: every record exactly one row, whatever is read again and by how many.

Which offsets stand in Bronze is known as of a snapshot (spark_jobs/known.py), and a batch is
appended only if that is still so. Records that stand there are duplicates: after a new checkpoint,
when the topic is read again from its start, or beside a second job.
"""

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from lakehouse import tables
from lakehouse.errors import StreamError
from lakehouse.id_ranges import Pair
from spark_jobs import quality, sinks, sources
from spark_jobs.audit import Counts
from spark_jobs.bitmaps import Line
from spark_jobs.known import Known
from spark_jobs.sinks import Batch, Conflict, OnceAppender
from spark_jobs.snapshot_sources import as_of
from spark_jobs.stream import Context, Pace
from spark_jobs.transforms import met, ranges
from spark_jobs.transforms.bronze import bronze_rows, differing

# What a batch that is run again could not count as it did the first time.
_DUPLICATES = "firehose.rows-duplicate"


class BronzeJob:
    """Appends the records of KAFKA_TOPIC that are not there yet."""

    name = tables.BRONZE
    pace = Pace.SETTING

    def __init__(self, context: Context) -> None:
        self._context = context
        self._table = OnceAppender(tables.BRONZE)
        self._known = Known(tables.BRONZE, met.LINE, met.OFFSET)
        self._rules = quality.rules(context.settings)
        # Whether the next batch is looked through before it is written. Offsets of one start
        # rise, so that is needed at its beginning and after others have written.
        self._wary = True

    def source(self) -> DataFrame:
        settings = self._context.settings
        self._known.recall(self._context.spark)
        return sources.kafka_stream(self._context.spark, settings, settings.kafka_topic)

    def process(self, rows: DataFrame, batch: Batch) -> Counts:
        done = self._table.committed(rows.sparkSession, batch)
        if done is not None:
            return _counts(sinks.added(done), int(done.get(_DUPLICATES, "0")))
        for _ in range(sinks.MOST_TRIES):
            try:
                return self._append(rows, batch)
            except Conflict:
                self._table.refuse_if_written(rows.sparkSession, batch)
                self._known.catch_up(rows.sparkSession)
            except Exception as error:
                if not met.was_met(error):
                    raise
            self._wary = True
        raise sinks.crowded(tables.BRONZE)

    def _append(self, records: DataFrame, batch: Batch) -> Counts:
        if not self._wary:
            newer = met.newer_only(records, self._known.lasts())
            return self._write(bronze_rows(newer, self._rules), 0, batch)
        found = met.by_partition(records).collect()
        bounds: dict[Line, Pair] = {(row[0], row[1]): (row["first"], row["last"]) for row in found}
        known = self._known.within(records.sparkSession, bounds)
        rows = bronze_rows(records, self._rules)
        if known is None:
            self._wary = False
            return self._write(rows, 0, batch)
        return self._write_new(rows, sum(row["rows"] for row in found), known, bounds, batch)

    def _write_new(
        self, rows: DataFrame, count: int, known: DataFrame, bounds: dict[Line, Pair], batch: Batch
    ) -> Counts:
        """Of `count` rows those outside the `known` ranges; the others must be what is there."""
        self._refuse_others(ranges.inside(rows, known, met.LINE, met.OFFSET), bounds)
        fresh = ranges.outside(rows, known, met.LINE, met.OFFSET)
        duplicates = count - fresh.count()
        if duplicates == count:
            sinks.refuse_if_changed(rows.sparkSession, tables.BRONZE, self._known.as_of)
            return _counts(0, duplicates)
        return self._write(fresh, duplicates, batch)

    def _refuse_others(self, again: DataFrame, bounds: dict[Line, Pair]) -> None:
        """StreamError where a record is another one than Bronze has at its offset."""
        standing = as_of(again.sparkSession, tables.BRONZE, self._known.as_of)
        other = differing(again, standing.where(met.between(bounds))).first()
        if other is not None:
            raise StreamError(
                f"{other['kafka_topic']} holds other records than Bronze took from it before "
                f"(partition {other['kafka_partition']}, offset {other['kafka_offset']}): the "
                "topic was deleted and made anew, or this is another broker. Nothing was written.",
                "Give the new topic a name of its own (KAFKA_TOPIC), or start a new lake.",
            )

    def _write(self, rows: DataFrame, duplicates: int, batch: Batch) -> Counts:
        seen = Observation()
        observed = rows.observe(
            seen, F.count("*").alias("rows"), F.min(F.unix_micros("ingest_ts")).alias("oldest")
        )
        # The offsets of this batch need not be learnt: this query does not come back to them.
        self._known.as_of = self._table.append_if_unchanged(
            observed, batch, self._known.as_of, {_DUPLICATES: str(duplicates)}
        )
        return _counts(seen.get["rows"], duplicates, seen.get["oldest"])


def _counts(written: int, duplicates: int, oldest: int | None = None) -> Counts:
    return Counts(
        rows_in=written + duplicates,
        rows_out=written,
        rows_duplicate=duplicates,
        rows_upserted=written,
        oldest_ingest=oldest,
    )
