"""A release beside other writers, and one that is killed in mid-work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.settings import Settings
from spark_jobs import release, release_writes, sinks
from spark_jobs.stream import compile_plans
from spark_jobs.transforms import release as transform
from tests.spark.feeding import ANY_SYMBOL
from tests.spark.releasing import EVERYTHING, audited, held, judge, set_aside, silver_ids
from tests.spark.test_streams import encoded, trade


@pytest.fixture(autouse=True)
def quick(spark: SparkSession) -> None:
    compile_plans(spark, 0)


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
