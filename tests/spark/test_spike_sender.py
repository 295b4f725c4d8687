"""The sender on a real outbox, against a real receiver: settled once, patient, never in a jam."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse import tables
from lakehouse.settings import Settings
from spark_jobs import sinks, spike_recorder
from spark_jobs.spike_sender import Sender
from spark_jobs.status import StatusFile
from spark_jobs.stream import Context
from tests.spike_receiver import SECRET, Receiver, Reply, receiver
from tests.spike_rows import spike_row

SPIKE = tables.full_name(tables.SPIKE)
NOW = datetime.now(UTC).replace(second=0, microsecond=0)
TIMES = ("minute_ts", "detected_at", "delivered_at", "updated_at")


def enter(spark: SparkSession, ages: Sequence[timedelta]) -> list[str]:
    """One pending event of each age; returns their ids in this order."""
    rows = [spike_row(NOW - age, attempts=0) for age in ages]
    names = spark.table(SPIKE).columns
    micros = [
        {**row, **{name: row[name] and int(row[name].timestamp() * 1_000_000) for name in TIMES}}
        for row in rows
    ]
    kinds = dict.fromkeys(TIMES, "BIGINT") | {"attempts": "INT"}
    told = ", ".join(f"{name} {kinds.get(name, 'STRING')}" for name in names)
    frame = spark.createDataFrame([tuple(row[name] for name in names) for row in micros], told)
    frame = frame.withColumns({name: F.timestamp_micros(name) for name in TIMES})
    frame.coalesce(1).writeTo(SPIKE).append()
    return [str(row["event_id"]) for row in rows]


@contextmanager
def sending(
    spark: SparkSession, lake: Settings, hook: Receiver
) -> Iterator[Callable[[], dict[str, Any]]]:
    """A sender at work; gives what the status file tells of spikes."""
    secrets = {"spike_webhook_url": hook.url, "spike_webhook_secret": SECRET}
    lake = lake.model_copy(update={name: SecretStr(text) for name, text in secrets.items()})
    path = Path(lake.data_dir) / "status.json"
    status = StatusFile(path)
    status.open()
    stop = threading.Event()
    sender = Sender(Context(spark, lake, "run", status))
    thread = threading.Thread(target=sender.keep, args=(stop,))
    thread.start()
    try:
        yield lambda: json.loads(path.read_bytes()).get("spikes", {})
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def until(found: Callable[[], dict[str, Any]], **counts: int) -> None:
    deadline = time.monotonic() + 120
    while not counts.items() <= found().items():
        assert time.monotonic() < deadline, found()
        time.sleep(0.1)


def minutes(*ages: float) -> list[timedelta]:
    return [timedelta(minutes=age) for age in ages]


def by_id(spark: SparkSession) -> dict[str, Any]:
    return {row["event_id"]: row for row in spark.table(SPIKE).collect()}


def test_a_slow_answer_holds_up_no_other_event(spark: SparkSession, lake: Settings) -> None:
    ids = enter(spark, minutes(9, 8, 7, 6, 5, 4))
    with receiver([Reply(after_seconds=20)]) as hook:
        with sending(spark, lake, hook) as found:
            until(found, delivered=5, pending=1)
            taken = [each.event_id for each in hook.attempts]
            assert set(taken) < set(ids) and len(taken) == 5
            until(found, delivered=6)
        assert sorted(each.event_id for each in hook.attempts) == sorted(ids)


def test_an_old_event_is_given_up_and_told(spark: SparkSession, lake: Settings) -> None:
    old, new = enter(spark, minutes(24 * 60 + 2, 23 * 60))
    with receiver() as hook, sending(spark, lake, hook) as found:
        until(found, expired=1, delivered=1)
    assert [each.event_id for each in hook.attempts] == [new]
    assert (by_id(spark)[old]["status"], by_id(spark)[old]["attempts"]) == ("expired", 0)
    audit = spark.table(tables.full_name(tables.AUDIT)).where(F.col("job") == tables.SPIKE)
    [sums] = audit.agg(F.sum("rows_in"), F.sum("rows_out"), F.sum("dq_fail")).collect()
    assert tuple(sums) == (2, 1, 1)


def test_a_lake_that_takes_no_mark_for_a_while_leads_to_no_second_post(
    spark: SparkSession, lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    [event_id] = enter(spark, minutes(3))
    merge, refused = sinks.merge, list[bool]()

    def away(*given: Any) -> None:
        if len(refused) < 2:
            refused.append(True)
            raise OSError("no disk")
        if len(refused) < 4:
            refused.append(True)
            raise sinks.Conflict(tables.SPIKE)
        merge(*given)

    monkeypatch.setattr(sinks, "merge", away)
    with receiver() as hook, sending(spark, lake, hook) as found:
        until(found, delivered=1)
    assert len(refused) == 4 and len(hook.attempts) == 1
    row = by_id(spark)[event_id]
    assert (row["status"], row["attempts"], row["last_error"]) == ("delivered", 1, None)


def test_a_wait_is_on_record_at_once_then_once_a_minute(
    spark: SparkSession, lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that is tried again and again does not fill the table with commits."""
    [event_id] = enter(spark, minutes(3))
    before = spark.table(f"{SPIKE}.snapshots").count()
    monkeypatch.setattr(spike_recorder, "WAITS_TOLD_SECONDS", 3600.0)
    replies = [Reply(503, {"Retry-After": "7"}, {"code": "not_yet"})] * 2
    with receiver(replies) as hook, sending(spark, lake, hook) as found:
        deadline = time.monotonic() + 60
        while (row := by_id(spark)[event_id])["attempts"] == 0:
            assert time.monotonic() < deadline
        assert (row["status"], row["last_error"]) == ("pending", "it answered 503 not_yet")
        until(found, delivered=1)
    assert by_id(spark)[event_id]["attempts"] == 3
    assert spark.table(f"{SPIKE}.snapshots").count() == before + 2


def test_what_comes_later_is_sent_without_a_new_start(spark: SparkSession, lake: Settings) -> None:
    with receiver() as hook:
        secrets = {"spike_webhook_url": hook.url, "spike_webhook_secret": SECRET}
        told = lake.model_copy(update={name: SecretStr(t) for name, t in secrets.items()})
        context = Context(spark, told, "run")
        stop = threading.Event()
        sender = Sender(context)
        thread = threading.Thread(target=sender.keep, args=(stop,))
        thread.start()
        for number in range(2):
            enter(spark, minutes(30 + number))
            context.outbox.news.put(context.outbox.unfinished(spark, ["pending"]))
            sender.work_off(stop)
            assert len(hook.attempts) == number + 1
        stop.set()
        thread.join(60)
    assert {row["status"] for row in by_id(spark).values()} == {"delivered"}
