"""`firehose quarantine release` on real tables: what passes reaches Silver once and is marked."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse import messages, tables
from lakehouse.quarantine import Released, Selection
from lakehouse.settings import Settings
from spark_jobs import release, release_writes, sinks
from spark_jobs.quality import Rules
from spark_jobs.stream import compile_plans
from spark_jobs.transforms import release as transform
from spark_jobs.transforms import silver
from spark_jobs.transforms.bronze import bronze_rows
from tests.spark.feeding import ANY_SYMBOL, feed_bronze, kafka_records, run_streams
from tests.spark.test_streams import START, encoded, trade

EVERYTHING = Selection()


@pytest.fixture(autouse=True)
def quick(spark: SparkSession) -> None:
    compile_plans(spark, 0)


def table(spark: SparkSession, name: str) -> DataFrame:
    return spark.table(tables.full_name(name))


def of_symbol(agg_id: int, symbol: str) -> bytes:
    return messages.encode(trade(agg_id)._replace(symbol=symbol))


def silver_ids(spark: SparkSession, symbol: str) -> list[int]:
    rows = table(spark, tables.SILVER).where(F.col("symbol") == symbol).select("agg_id")
    return sorted(row["agg_id"] for row in rows.collect())


def held(spark: SparkSession) -> dict[int, tuple[tuple[str, ...], bool]]:
    """Offset → (reasons, released)."""
    rows = table(spark, tables.QUARANTINE).collect()
    found = {r["kafka_offset"]: (tuple(r["reasons"]), r["released_at"] is not None) for r in rows}
    assert len(found) == len(rows), "a record stands twice in quarantine"
    return found


def audited(spark: SparkSession) -> list[tuple[int, int, int, int, str]]:
    rows = table(spark, tables.AUDIT).where(F.col("job") == "release").orderBy("finished_at")
    names = ("rows_in", "rows_out", "rows_duplicate", "dq_fail", "status")
    return [tuple(row[name] for name in names) for row in rows.collect()]


def judge(
    spark: SparkSession,
    values: Sequence[bytes],
    rules: Rules,
    first_offset: int = 0,
    of_bronze: Rules = ANY_SYMBOL,
) -> None:
    """Write what Silver's stream would of these records: quicker than the stream."""
    bronze = bronze_rows(kafka_records(spark, values, first_offset), of_bronze)
    judged = silver.judged(bronze, rules).localCheckpoint()
    rejected = silver.quarantine_rows(judged.where("size(reasons) > 0"), F.current_timestamp())
    rejected.writeTo(tables.full_name(tables.QUARANTINE)).append()
    trades = silver.silver_rows(judged.where("size(reasons) = 0"))
    if not trades.isEmpty():
        trades.writeTo(tables.full_name(tables.SILVER)).append()


def set_aside(spark: SparkSession) -> None:
    """Offsets 0-3: two of a symbol not known then, one bad for good, one good one of BTCUSDT."""
    values = [
        of_symbol(1, "ETHUSDT"),
        of_symbol(2, "ETHUSDT"),
        messages.encode(trade(3, price="0")._replace(symbol="ETHUSDT")),
        messages.encode(trade(4)),
    ]
    judge(spark, values, Rules(("BTCUSDT",)))
    assert sorted(held(spark)) == [0, 1, 2]


def test_a_dry_run_tells_and_changes_nothing(spark: SparkSession, lake: Settings) -> None:
    set_aside(spark)
    names = (tables.SILVER, tables.QUARANTINE, tables.AUDIT)
    before = [sinks.snapshot_id(spark, name) for name in names]
    found = release.run(spark, lake, EVERYTHING, really=False)
    assert found == Released(
        done=False, selected=3, judged=3, fresh=2, failing=1,
        failing_by_rule={"price_not_positive": 1},
    )  # fmt: skip
    assert [sinks.snapshot_id(spark, name) for name in names] == before


def test_what_passes_now_is_in_silver_and_gold_and_accounted_for(
    spark: SparkSession, lake: Settings
) -> None:
    set_aside(spark)
    found = release.run(spark, lake, EVERYTHING, really=True)
    assert found.model_dump(exclude_defaults=True) == {
        "done": True, "selected": 3, "judged": 3, "fresh": 2, "failing": 1,
        "failing_by_rule": {"price_not_positive": 1},
    }  # fmt: skip
    assert silver_ids(spark, "ETHUSDT") == [1, 2]
    assert held(spark) == {
        0: (("symbol_unknown",), True),  # what it was held back for stays readable
        1: (("symbol_unknown",), True),
        2: (("price_not_positive",), False),  # it had been symbol_unknown as well
    }
    assert audited(spark) == [(3, 2, 0, 1, "ok")]
    # No stream was running: at its start Gold counts what was released, Silver knows it.
    feed_bronze(spark, [of_symbol(1, "ETHUSDT")], 50, 1)
    run_streams(spark, lake)
    gold = table(spark, tables.GOLD).where("symbol = 'ETHUSDT'").collect()
    assert [row["trades"] for row in gold] == [2]
    assert silver_ids(spark, "ETHUSDT") == [1, 2]


def test_twice_the_same_release(spark: SparkSession, lake: Settings) -> None:
    set_aside(spark)
    for _ in range(2):
        release.run(spark, lake, EVERYTHING, really=True)
    assert silver_ids(spark, "ETHUSDT") == [1, 2]
    assert audited(spark) == [(3, 2, 0, 1, "ok"), (1, 0, 0, 1, "ok")]


def test_only_what_is_chosen(spark: SparkSession, lake: Settings) -> None:
    set_aside(spark)
    found = release.run(spark, lake, Selection(offsets=((1, 1),)), really=True)
    assert (found.selected, found.fresh) == (1, 1)
    assert silver_ids(spark, "ETHUSDT") == [2]
    nothing = release.run(spark, lake, Selection(symbols=("BTCUSDT",)), really=True)
    assert nothing == Released(done=True)
    assert len(audited(spark)) == 1


@contextmanager
def instead_of(
    monkeypatch: pytest.MonkeyPatch, name: str, call: Callable[..., None]
) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(release_writes, name, call)
        yield


def killed(*_: object) -> None:
    raise KeyboardInterrupt  # no Exception: as with SIGKILL, no failure is audited either


@pytest.mark.parametrize("killed_at", ["mark", "after_mark"])
def test_killed_after_the_commit_to_silver(
    spark: SparkSession, lake: Settings, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    set_aside(spark)
    mark = release_writes.mark

    def killed_behind(changes: DataFrame) -> None:
        mark(changes)
        raise KeyboardInterrupt

    call = killed if killed_at == "mark" else killed_behind
    with instead_of(monkeypatch, "mark", call), pytest.raises(KeyboardInterrupt):
        release.run(spark, lake, EVERYTHING, really=True)
    assert silver_ids(spark, "ETHUSDT") == [1, 2]
    assert audited(spark) == []

    release.run(spark, lake, EVERYTHING, really=True)
    assert silver_ids(spark, "ETHUSDT") == [1, 2]
    assert {offset: freed for offset, (_, freed) in held(spark).items()} == {
        0: True, 1: True, 2: False,
    }  # fmt: skip
    again = (3, 0, 2, 1, "ok") if killed_at == "mark" else (1, 0, 0, 1, "ok")
    assert audited(spark) == [(3, 2, 0, 1, "ok"), again]
    release.run(spark, lake, EVERYTHING, really=True)
    assert sum(row[1] for row in audited(spark)) == 2, "the mended row is written once"


def test_beside_a_stream_that_commits_at_every_moment(
    spark: SparkSession, lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer comes between look and commit, three times, once with the same trade."""
    set_aside(spark)
    append = sinks.append_if_unchanged
    added = iter([trade(100), trade(1)._replace(symbol="ETHUSDT"), trade(101)])
    refused = []

    def crowded(rows: DataFrame, name: str, since: int | None, more: dict[str, str]) -> int:
        if (other := next(added, None)) is not None:
            judge(spark, encoded([other]), ANY_SYMBOL, 90)
        try:
            return append(rows, name, since, more)
        except sinks.Conflict:
            refused.append(rows.count())
            raise

    monkeypatch.setattr(sinks, "append_if_unchanged", crowded)
    found = release.run(spark, lake, EVERYTHING, really=True)
    assert refused == [2, 2, 1]
    assert (found.fresh, found.known) == (1, 1)
    assert silver_ids(spark, "ETHUSDT") == [1, 2]
    assert silver_ids(spark, "BTCUSDT") == [4, 100, 101]
    assert audited(spark) == [(3, 1, 1, 1, "ok")]
    assert held(spark)[0][1], "it is in Silver, whoever brought it there"


def test_rows_set_aside_meanwhile_do_not_hold_up_the_mark(
    spark: SparkSession, lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_aside(spark)
    changes = transform.changes

    def late(judged: DataFrame, at: object) -> DataFrame:
        judge(spark, [b"nothing to read"], ANY_SYMBOL, 70)
        return changes(judged, at)  # type: ignore[arg-type]

    monkeypatch.setattr(transform, "changes", late)
    release.run(spark, lake, EVERYTHING, really=True)
    assert held(spark)[70] == (("unreadable",), False)
    assert held(spark)[0] == (("symbol_unknown",), True)


def test_fields_without_the_bytes_are_read_as_well(spark: SparkSession, lake: Settings) -> None:
    """Silver's rules were stricter than Bronze's: its row has no `raw`, quarantine its fields."""
    given = [of_symbol(n, "币安人生USDT") for n in (1, 2)]
    judge(spark, given[:1], Rules(("BTCUSDT",)))
    [row] = table(spark, tables.QUARANTINE).collect()
    assert json.loads(row["raw"]) == json.loads(given[0])
    release.run(spark, lake, EVERYTHING, really=True)
    judge(spark, given[1:], ANY_SYMBOL, 1)
    differs = {"agg_id", "first_trade_id", "last_trade_id"}
    same = [name for name in table(spark, tables.SILVER).columns if name not in differs]
    assert silver_ids(spark, "币安人生USDT") == [1, 2]
    assert table(spark, tables.SILVER).select(same).distinct().count() == 1


def test_messages_of_the_gap_topic_are_left_alone(spark: SparkSession, lake: Settings) -> None:
    row = {
        "kafka_topic": "gaps", "kafka_partition": 0, "kafka_offset": 5,
        "raw": messages.encode(trade(1)), "reasons": ["gap_unreadable"],
    }  # fmt: skip
    types = "kafka_topic STRING, kafka_partition INT, kafka_offset BIGINT, raw BINARY"
    frame = spark.createDataFrame([row], f"{types}, reasons ARRAY<STRING>")
    frame = frame.withColumn("quarantined_at", F.current_timestamp())
    missing = {*table(spark, tables.QUARANTINE).columns} - {*frame.columns}
    frame = frame.withColumns({name: F.lit(None) for name in missing})
    frame.writeTo(tables.full_name(tables.QUARANTINE)).append()
    found = release.run(spark, lake, EVERYTHING, really=True)
    assert found == Released(done=True, selected=1, of_gaps=1)
    assert held(spark)[5] == (("gap_unreadable",), False)
    assert table(spark, tables.SILVER).isEmpty()


def test_a_lake_without_a_trade(spark: SparkSession, lake: Settings) -> None:
    """Silver has no snapshot yet that the append could be held against."""
    judge(spark, encoded([trade(1, START), trade(1, START)]), Rules(("ETHUSDT",)))
    assert sinks.snapshot_id(spark, tables.SILVER) is None
    found = release.run(spark, lake, EVERYTHING, really=True)
    assert (found.fresh, found.known) == (1, 1), "two records of one trade"
    assert silver_ids(spark, "BTCUSDT") == [1]
