"""ops_gap from batches of the gap topic: the newest message holds, whatever comes again."""

from collections.abc import Sequence

import pytest
from pyspark.sql import SparkSession

from lakehouse import tables
from lakehouse.gaps import GapMessage, GapStatus
from lakehouse.settings import Settings
from spark_jobs.audit import Counts
from spark_jobs.jobs.ops_gap import GapJob
from spark_jobs.sinks import Batch
from spark_jobs.stream import Context
from tests.spark.feeding import kafka_records

START = 1_723_161_600_000_000
Message = bytes | None


def gap(from_id: int, to_id: int, status: GapStatus = "open", symbol: str = "BTCUSDT") -> bytes:
    closed = status != "open"
    return GapMessage(
        exchange="binance",
        symbol=symbol,
        from_id=from_id,
        to_id=to_id,
        status=status,
        detected_at=START,
        repaired_at=START + 1_500_000 if closed else None,
        repaired_from="rest" if status == "repaired" else None,
        reason="" if status == "repaired" else "dropped",
    ).value()


class Fed:
    """A job that is fed batches by hand, as Spark would after each start."""

    def __init__(self, spark: SparkSession, settings: Settings) -> None:
        self._spark = spark
        self._context = Context(spark, settings, "test-run")
        self.restart()

    def restart(self) -> None:
        self._job = GapJob(self._context)

    def feed(self, messages: Sequence[Message], first_offset: int, query: str = "q") -> Counts:
        rows = kafka_records(self._spark, messages, first_offset)
        return self._job.process(rows, Batch(query, first_offset))

    def rows(self) -> dict[tuple[str, int], tuple[int, str, int]]:
        """(symbol, from_id) → (to_id, status, offset of its message)."""
        found = self._spark.table(tables.full_name(tables.GAP)).collect()
        made = {
            (row["symbol"], row["from_id"]): (row["to_id"], row["status"], row["kafka_offset"])
            for row in found
        }
        assert len(made) == len(found), "a key stands twice"
        return made

    def snapshots(self, table: str = tables.GAP) -> int:
        return self._spark.table(f"{tables.full_name(table)}.snapshots").count()


@pytest.fixture
def fed(spark: SparkSession, lake: Settings) -> Fed:
    return Fed(spark, lake)


def test_a_gap_is_opened_and_closed(spark: SparkSession, fed: Fed) -> None:
    assert fed.feed([gap(10, 20)], 0).rows_out == 1
    assert fed.rows() == {("BTCUSDT", 10): (20, "open", 0)}
    fed.feed([gap(10, 20, "repaired")], 1)
    [row] = spark.sql(
        "SELECT *, unix_micros(detected_at) AS detected, unix_micros(repaired_at) AS repaired "
        f"FROM {tables.full_name(tables.GAP)}"
    ).collect()
    assert (row["detected"], row["repaired"]) == (START, START + 1_500_000)
    assert (row["exchange"], row["repaired_from"], row["reason"]) == ("binance", "rest", "")
    assert (row["kafka_topic"], row["kafka_partition"], row["kafka_offset"]) == ("t", 0, 1)


def test_the_newest_of_a_batch_wins_and_all_are_counted(fed: Fed) -> None:
    batch = [gap(1, 5), gap(7, 9), gap(1, 5, "repaired"), gap(1, 5, symbol="ETHUSDT"), None]
    counts = fed.feed(batch, 0)
    assert fed.rows() == {
        ("BTCUSDT", 1): (5, "repaired", 2),
        ("BTCUSDT", 7): (9, "open", 1),
        ("ETHUSDT", 1): (5, "open", 3),
    }
    # The superseded message and the tombstone changed nothing.
    assert (counts.rows_in, counts.rows_out, counts.rows_duplicate, counts.dq_fail) == (5, 3, 2, 0)


def test_a_gap_whose_parts_end_differently_is_covered_exactly(fed: Fed) -> None:
    fed.feed([gap(10, 20)], 0)
    parts = [gap(16, 20, "unrepairable"), gap(13, 15), gap(10, 12, "repaired")]
    fed.feed(parts, 1)
    assert fed.rows() == {
        ("BTCUSDT", 10): (12, "repaired", 3),
        ("BTCUSDT", 13): (15, "open", 2),
        ("BTCUSDT", 16): (20, "unrepairable", 1),
    }


def test_a_replay_from_the_start_changes_and_commits_nothing(fed: Fed) -> None:
    messages = [gap(1, 5), gap(1, 5, "repaired"), gap(7, 9)]
    fed.feed(messages, 0)
    before, commits = fed.rows(), fed.snapshots()
    fed.restart()
    # With a new checkpoint the batches may be cut elsewhere: the old open one comes alone.
    for offset, message in enumerate(messages):
        assert fed.feed([message], offset, query="new checkpoint").rows_duplicate == 1
    assert (fed.rows(), fed.snapshots()) == (before, commits)
    assert fed.feed([], 3) == Counts()


def test_what_is_no_gap_message_goes_to_quarantine_once(spark: SparkSession, fed: Fed) -> None:
    bad = {
        b"not json": "gap_unreadable",
        b"": "gap_unreadable",
        b"\xff\xfe": "gap_unreadable",
        b"x" * 20_000: "gap_unreadable",
        gap(1, 5).replace(b'"open"', b'"lost"'): "gap_unreadable",
        gap(1, 5).replace(b'"from_id":1', b'"from_id":"1"'): "gap_unreadable",
        gap(9, 5): "gap_implausible",
        gap(-1, 5): "gap_implausible",
        gap(1, 2**63): "gap_implausible",
        gap(1, 5).replace(b"1723161600000000", b"1" + b"0" * 18): "gap_implausible",
    }
    counts = fed.feed([*bad, gap(30, 31)], 0)
    assert (counts.rows_in, counts.rows_out, counts.dq_fail) == (len(bad) + 1, 1, len(bad))
    fed.restart()
    assert fed.feed([*bad, gap(30, 31)], 0, query="new checkpoint").dq_fail == len(bad)

    rows = spark.table(tables.full_name(tables.QUARANTINE)).collect()
    assert len(rows) == len(bad)
    assert {bytes(row["raw"]): row["reasons"] for row in rows} == {
        value: [reason] for value, reason in bad.items()
    }
    assert sorted(row["kafka_offset"] for row in rows) == list(range(len(bad)))
    # The empty one that a conditional append stands on, and one with all these rows.
    assert fed.snapshots(tables.QUARANTINE) == 2
    assert fed.rows() == {("BTCUSDT", 30): (31, "open", len(bad))}
