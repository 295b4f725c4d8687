"""The conditional append on a real table: what is a conflict and what is none."""

from collections.abc import Callable, Sequence

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from lakehouse.errors import StackError
from lakehouse.settings import Settings
from spark_jobs import sinks, snapshots, sources
from spark_jobs.sinks import Batch, Conflict, OnceAppender

TABLE = tables.SILVER
FULL = tables.full_name(TABLE)
HOURS = ("2024-08-09 00:00:00", "2024-08-09 01:00:00")
Change = Callable[[SparkSession], object]


def trades(spark: SparkSession, ids: Sequence[int], hour: str = HOURS[0]) -> DataFrame:
    return spark.sql(
        """SELECT 'binance' AS exchange, 'BTCUSDT' AS symbol, id AS agg_id,
             CAST(1 AS DECIMAL(28,8)) AS price, CAST(1 AS DECIMAL(28,8)) AS qty,
             CAST(1 AS DECIMAL(38,16)) AS quote_qty, id AS first_trade_id, id AS last_trade_id,
             true AS is_buyer_maker, CAST(:hour AS TIMESTAMP) AS event_ts,
             CAST(:hour AS TIMESTAMP) AS dt_hour, 'ws' AS source,
             CAST(:hour AS TIMESTAMP) AS ingest_ts
           FROM (SELECT explode(CAST(from_json(:ids, 'ARRAY<BIGINT>') AS ARRAY<BIGINT>)) AS id)""",
        args={"hour": hour, "ids": str(list(ids))},
    )


def ids(spark: SparkSession) -> list[int]:
    return sorted(row["agg_id"] for row in spark.table(FULL).select("agg_id").collect())


def newest(spark: SparkSession) -> int:
    found = sinks.snapshot_id(spark, TABLE)
    assert found is not None
    return found


def append(spark: SparkSession, new: Sequence[int]) -> int:
    return sinks.append_if_unchanged(
        trades(spark, new), TABLE, sinks.snapshot_id(spark, TABLE), {"note": "test"}
    )


def compact(spark: SparkSession) -> None:
    options = "options => map('rewrite-all', 'true')"
    spark.sql(f"CALL lake.system.rewrite_data_files(table => '{FULL}', {options})")


def expire(spark: SparkSession, snapshot: int) -> None:
    ids_ = f"snapshot_ids => ARRAY({snapshot}L)"
    spark.sql(f"CALL lake.system.expire_snapshots(table => '{FULL}', {ids_})")


def append_and_compact(spark: SparkSession) -> None:
    append(spark, [9])
    compact(spark)


CONFLICTS: dict[str, Change] = {
    "append": lambda spark: append(spark, [9]),
    "overwrite": lambda spark: spark.sql(f"INSERT OVERWRITE {FULL} SELECT * FROM {FULL} LIMIT 1"),
    "delete of rows": lambda spark: spark.sql(f"DELETE FROM {FULL} WHERE agg_id = 2"),
    "delete of whole files": lambda spark: spark.sql(f"DELETE FROM {FULL}"),
    "append and compaction": append_and_compact,
}


@pytest.mark.parametrize("change", CONFLICTS)
def test_a_change_since_is_a_conflict(spark: SparkSession, lake: Settings, change: str) -> None:
    append(spark, [1, 2])
    since = newest(spark)
    CONFLICTS[change](spark)
    before = ids(spark)
    with pytest.raises(Conflict):
        sinks.append_if_unchanged(trades(spark, [3]), TABLE, since, {})
    assert ids(spark) == before


def test_compaction_is_no_conflict_and_the_commit_is_an_append(
    spark: SparkSession, lake: Settings
) -> None:
    append(spark, [1, 2])
    since = append(spark, [3])
    compact(spark)
    assert newest(spark) != since
    made = sinks.append_if_unchanged(trades(spark, [4]), TABLE, since, {"note": "mine"})
    assert ids(spark) == [1, 2, 3, 4]
    snapshot = snapshots.load(spark, TABLE).currentSnapshot()
    assert (snapshot.snapshotId(), snapshot.operation()) == (made, "append")
    assert snapshot.summary().get("note") == "mine"


def test_an_empty_table_without_a_snapshot(spark: SparkSession, lake: Settings) -> None:
    assert sinks.snapshot_id(spark, TABLE) is None
    append(spark, [1])
    with pytest.raises(Conflict):
        sinks.append_if_unchanged(trades(spark, [1]), TABLE, None, {})
    assert ids(spark) == [1]


def test_an_empty_table_whose_first_rows_were_compacted_and_their_commits_expired(
    spark: SparkSession, lake: Settings
) -> None:
    """The history shows no append any more, and still the table is not what it was."""
    append(spark, [1])
    appended = [
        row["snapshot_id"] for row in spark.sql(f"SELECT * FROM {FULL}.snapshots").collect()
    ]
    compact(spark)
    for each in appended:
        expire(spark, each)
    with pytest.raises(Conflict):
        sinks.append_if_unchanged(trades(spark, [1]), TABLE, None, {})


def test_a_snapshot_that_is_gone_is_a_conflict(spark: SparkSession, lake: Settings) -> None:
    since = append(spark, [1])
    append(spark, [2])
    expire(spark, since)
    with pytest.raises(Conflict):
        sinks.append_if_unchanged(trades(spark, [3]), TABLE, since, {})
    with pytest.raises(Conflict):
        sinks.append_if_unchanged(trades(spark, [3]), TABLE, 12345, {})
    assert ids(spark) == [1, 2]


def test_a_replacement_minds_only_its_own_rows(spark: SparkSession, lake: Settings) -> None:
    first = F.col("event_ts") < F.lit(HOURS[1]).cast("timestamp")
    append(spark, [1, 2])
    since = newest(spark)
    trades(spark, [7], HOURS[1]).writeTo(FULL).append()
    sinks.replace_if_unchanged(trades(spark, [1, 5]), TABLE, first, since, {"note": "rebuild"})
    assert ids(spark) == [1, 5, 7]

    since = newest(spark)
    append(spark, [6])
    with pytest.raises(Conflict):
        sinks.replace_if_unchanged(trades(spark, [1]), TABLE, first, since, {})
    assert ids(spark) == [1, 5, 6, 7]


def test_a_replacement_of_half_a_file_is_no_conflict_but_an_error(
    spark: SparkSession, lake: Settings
) -> None:
    since = append(spark, [1, 2])
    with pytest.raises(Exception, match="some, but not all") as raised:
        sinks.replace_if_unchanged(trades(spark, [1]), TABLE, F.col("agg_id") < 2, since, {})
    assert not isinstance(raised.value, Conflict)


def test_what_a_stream_reads(spark: SparkSession, lake: Settings) -> None:
    """Conditional appends, the empty first commit among them; no compaction, no replacement."""
    for new in ([1, 2], [3]):
        append(spark, new)
    compact(spark)
    append(spark, [4])
    everything = F.lit(True)
    sinks.replace_if_unchanged(trades(spark, [1, 2, 3, 4]), TABLE, everything, newest(spark), {})
    append(spark, [5])
    seen: list[int] = []

    def collect(rows: DataFrame, _batch: int) -> None:
        seen.extend(row["agg_id"] for row in rows.collect())

    query = (
        sources.table_stream(spark, lake, TABLE)
        .writeStream.option("checkpointLocation", str(lake.data_dir / "seen"))
        .foreachBatch(collect)
    )
    query.trigger(availableNow=True).start().awaitTermination()
    assert sorted(seen) == [1, 2, 3, 4, 5]


def test_a_batch_is_appended_once_and_its_rows_are_remembered(
    spark: SparkSession, lake: Settings
) -> None:
    first = OnceAppender(TABLE)
    assert first.committed_rows(spark, Batch("q", 0)) is None
    first.append(trades(spark, [1, 2]), Batch("q", 0))
    again = OnceAppender(TABLE)
    assert again.committed_rows(spark, Batch("q", 0)) == 2
    assert again.committed_rows(spark, Batch("q", 1)) is None


def test_a_process_that_was_taken_for_dead_is_refused(spark: SparkSession, lake: Settings) -> None:
    """It asked, stood still, and another process has run the batch meanwhile."""
    frozen, successor = OnceAppender(TABLE), OnceAppender(TABLE)
    assert frozen.committed_rows(spark, Batch("q", 0)) is None
    assert successor.committed_rows(spark, Batch("q", 0)) is None
    successor.append(trades(spark, [1]), Batch("q", 0))
    append(spark, [2])
    with pytest.raises(StackError, match="Another process has written batch 0"):
        frozen.append(trades(spark, [1]), Batch("q", 0))
    assert ids(spark) == [1, 2]


def test_others_may_append_between(spark: SparkSession, lake: Settings) -> None:
    one, other = OnceAppender(TABLE), OnceAppender(TABLE)
    for number in range(3):
        assert one.committed_rows(spark, Batch("one", number)) is None
        assert other.committed_rows(spark, Batch("other", number)) is None
        one.append(trades(spark, [number]), Batch("one", number))
        other.append(trades(spark, [10 + number]), Batch("other", number))
    assert ids(spark) == [0, 1, 2, 10, 11, 12]
