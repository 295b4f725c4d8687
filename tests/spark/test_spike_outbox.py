"""The outbox holds each spike of Gold once: through crashes, flicker, conflicts, new starts."""

import json
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from lakehouse import messages, tables
from lakehouse.settings import Settings
from lakehouse.spans import Span
from lakehouse.spike_event import SpikeEvent
from lakehouse.trade import Trade
from spark_jobs import sinks
from spark_jobs.rebuild import Rebuild
from spark_jobs.spike_line import DELIVERED, PENDING, REFUSED, Mark
from spark_jobs.spike_outbox import Outbox
from tests.spark.feeding import feed_bronze, run_streams
from tests.spark.test_streams import MINUTE, START

SPIKE, GOLD = tables.full_name(tables.SPIKE), tables.full_name(tables.GOLD)
JUMPS = {70: "103", 80: "97"}


@pytest.fixture
def told(lake: Settings) -> Settings:
    """A lake of which somebody is to be told."""
    secret = {"spike_webhook_url": "http://127.0.0.1:9/", "spike_webhook_secret": "s"}
    return lake.model_copy(update={name: SecretStr(text) for name, text in secret.items()})


def trade(agg_id: int, minute: int, price: str, qty: str = "1", symbol: str = "BTCUSDT") -> Trade:
    at = START + minute * MINUTE + agg_id % 1000
    return Trade(
        "binance", symbol, agg_id, price, qty, agg_id, agg_id, at, at, False, at, "simulated"
    )


def quiet(first: int, end: int, symbol: str = "BTCUSDT") -> list[Trade]:
    """A trade a minute; it jumps in the minutes of JUMPS."""
    found = []
    for minute in range(first, end):
        usual = (f"{100 + minute % 3 / 100:.2f}", "1")
        price, qty = (JUMPS[minute], "50") if minute in JUMPS else usual
        found.append(trade(minute, minute, price, qty, symbol))
    return found


class Lake:
    """Feeds and streams, batch after batch."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark, self.fed, self.batches = spark, 0, 0

    def add(self, settings: Settings, trades: Iterable[Trade]) -> None:
        values = [messages.encode(each) for each in trades]
        feed_bronze(self.spark, values, self.fed, self.batches)
        self.fed, self.batches = self.fed + len(values), self.batches + 1
        run_streams(self.spark, settings)

    def outbox(self) -> list[Row]:
        minute = F.expr(f"unix_micros(minute_ts) div {MINUTE} - {START // MINUTE}")
        found = self.spark.table(SPIKE).withColumn("minute", minute)
        return found.orderBy("minute", "symbol").collect()

    def entered(self) -> list[tuple[str, int]]:
        return [(row["symbol"], row["minute"]) for row in self.outbox()]


@pytest.fixture
def made(spark: SparkSession) -> Lake:
    return Lake(spark)


def test_each_spike_is_entered_once_as_gold_has_it(made: Lake, told: Settings) -> None:
    made.add(told, [*quiet(0, 71), *quiet(0, 71, "ETHUSDT")])
    made.add(told, quiet(71, 90))
    wanted = [("BTCUSDT", 70), ("ETHUSDT", 70), ("BTCUSDT", 80)]
    assert made.entered() == wanted
    assert made.spark.table(GOLD).where("spike").count() == 3
    for row in made.outbox():
        _check_event(made.spark, row)


def _check_event(spark: SparkSession, row: Row) -> None:
    """Every amount is Gold's, to the last digit."""
    event = SpikeEvent.model_validate_json(row["body"])
    assert (row["event_id"], row["status"], row["attempts"]) == (event.event_id, PENDING, 0)
    assert event.event_id == f"binance-{event.symbol}-{event.minute_ts:%Y-%m-%dT%H:%M:%SZ}"
    assert row["delivered_at"] is row["last_error"] is None
    at = F.col("minute_ts") == F.lit(event.minute_ts)
    [minute] = spark.table(GOLD).where(at & (F.col("symbol") == event.symbol)).collect()
    plain = json.loads(row["body"])
    for name in SpikeEvent.model_fields.keys() & set(minute.asDict()) - {"minute_ts"}:
        value = minute[name]
        shown = format(value, "f") if hasattr(value, "as_tuple") else value
        assert name == "is_final" or plain[name] == shown, name


def test_without_a_webhook_nothing_is_entered_and_the_past_is_no_news(
    made: Lake, lake: Settings, told: Settings
) -> None:
    # So that the first spike is final before the outbox begins: its row changes no more.
    lake, told = (each.model_copy(update={"watermark_minutes": 1}) for each in (lake, told))
    made.add(lake, quiet(0, 75))
    assert made.entered() == []
    made.add(told, quiet(75, 79))
    assert made.entered() == [], "found before the outbox began"
    # A stream that reads all of Silver anew finds the old spike again.
    shutil.rmtree(Path(told.checkpoints) / tables.GOLD)
    made.add(told, quiet(79, 90))
    assert made.entered() == [("BTCUSDT", 80)]
    began = Outbox().begin(made.spark)
    assert began == Outbox().begin(made.spark) < datetime.now(UTC)


def test_a_crash_between_gold_and_the_outbox_loses_no_spike(
    made: Lake, told: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.add(told, quiet(0, 60))

    def killed(*_: object) -> int:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "enrol", killed)
        with pytest.raises(Exception, match="killed"):
            made.add(told, quiet(60, 75))
    assert made.spark.table(GOLD).where("spike").count() == 1, "Gold was written before"
    assert made.entered() == []
    run_streams(made.spark, told)
    assert made.entered() == [("BTCUSDT", 70)]
    run_streams(made.spark, told)
    made.add(told, quiet(75, 78))
    assert made.entered() == [("BTCUSDT", 70)]


def test_a_minute_that_flickers_is_entered_once_with_its_first_body(
    made: Lake, told: Settings
) -> None:
    made.add(told, quiet(0, 71))
    [first] = made.outbox()
    made.add(told, [trade(1000, 70, "100.01")])
    assert made.spark.table(GOLD).where("spike").count() == 0
    made.add(told, [trade(1001, 70, "104", "30")])
    assert made.spark.table(GOLD).where("spike").count() == 1
    assert made.outbox() == [first]


def test_a_rebuild_tells_nobody(made: Lake, told: Settings) -> None:
    """What another rule finds in the past is no news."""
    made.add(told, quiet(0, 65))
    names = ("spike_least_return", "spike_volume_ratio", "spike_z_score")
    lower = told.model_copy(update=dict.fromkeys(names, Decimal(0)))
    Rebuild(made.spark, lower, Span(0, START // 3_600_000_000 + 100), False).run("gold")
    assert made.spark.table(GOLD).where("spike").count() > 10
    made.add(told, quiet(65, 68))
    assert made.entered() == []


def test_a_conflicting_writer_leads_to_a_new_look(
    made: Lake, told: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = sinks.append_if_unchanged
    conflicts: list[bool] = []

    def overtaken(*given: object, **more: object) -> int:
        if not conflicts:
            conflicts.append(True)
            # Another process of the same lake enters the very same spike first.
            Outbox().enrol(made.spark, F.lit(True), datetime(2020, 1, 1, tzinfo=UTC))
        return append(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(sinks, "append_if_unchanged", overtaken)
    made.add(told, quiet(0, 71))
    assert conflicts and made.entered() == [("BTCUSDT", 70)]


def test_what_became_of_an_event_is_marked_and_delivered_is_for_good(
    made: Lake, told: Settings
) -> None:
    made.add(told, quiet(0, 90))
    outbox, now = Outbox(), datetime.now(UTC)
    first, second = outbox.unfinished(made.spark, [PENDING])
    assert first.detected_at <= now and json.loads(first.body)["event_id"] == first.event_id
    outbox.mark(
        made.spark, [Mark(first, DELIVERED, now), Mark(second, REFUSED, None, "it answered 401")]
    )
    assert outbox.counts(made.spark) == {"pending": 0, "delivered": 1, "refused": 1, "expired": 0}
    outbox.mark(made.spark, [Mark(first, PENDING, None, "late word of another attempt")])
    assert outbox.unfinished(made.spark, [PENDING]) == []
    [again] = outbox.unfinished(made.spark, [PENDING, REFUSED])
    assert again == second
    row = made.spark.table(SPIKE).where(F.col("event_id") == first.event_id).collect()[0]
    assert (row["status"], row["last_error"]) == ("delivered", None)
