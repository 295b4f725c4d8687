"""The warm store follows a lake from commit to commit, and is then what a fresh load is."""

import random
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.expressions import BooleanExpression
from pyiceberg.table import FileScanTask

from lakehouse import tables
from lakehouse.api import table_files, table_state
from lakehouse.api.audit import MOST_ROWS, audit_of, must_stay
from lakehouse.api.blocks import Key, minute_rows
from lakehouse.api.gaps import gaps_of
from lakehouse.api.gold import Gold, GoldStore
from lakehouse.api.ops_rows import OpsRows
from lakehouse.api.pulse import KEPT_MINUTES, pulse_of
from lakehouse.api.table_state import TableState
from lakehouse.catalog import table_locations
from lakehouse.values import plain
from tests.gold_lakes import NOON, batch_row, gap_row, gold_row, rewrite
from tests.lakes import LakeWriter, Row

BTC, ETH = Key("binance", "BTCUSDT"), Key("binance", "ETHUSDT")
NOON_MINUTE = int(NOON.timestamp()) // 60


def state(writer: LakeWriter, table: str = tables.GOLD) -> TableState:
    return table_state.read(writer.settings, table_locations(writer.settings)[table])


def gold_of(store: GoldStore, writer: LakeWriter) -> Gold:
    found = store.refresh(state(writer))
    assert found is not None
    return found


Place = tuple[str, datetime]


def place_of(row: Row) -> Place:
    return row["symbol"], row["minute_ts"]


def contents(gold: Gold) -> dict[str, Any]:
    """All that can be asked of Gold."""
    rows = {key: minute_rows(gold.blocks, key, 0, 1 << 40, 10_000) for key in gold.series}
    pulses = {key: pulse_of(one, gold.newest_minute or 0, 20) for key, one in gold.series.items()}
    return {"since": gold.since, "newest": gold.newest, "rows": rows, "pulses": pulses}


@pytest.fixture
def writer(tmp_path: Path) -> LakeWriter:
    return LakeWriter(tmp_path / "lake", [tables.GOLD, tables.AUDIT, tables.GAP])


def test_following_commits_gives_what_loading_anew_gives(writer: LakeWriter) -> None:
    chance, store, minute = random.Random(7), GoldStore(), 0
    standing: dict[Place, Row] = {}
    for step in range(7):
        batch = [(symbol, minute + n) for symbol in ("BTCUSDT", "ETHUSDT") for n in range(30)]
        rows = [gold_row(at, symbol, str(chance.randrange(1, 999))) for symbol, at in batch]
        new = {place: row for row in rows if (place := place_of(row)) not in standing}
        if step % 2:  # as a MERGE does: hours written anew, some of their rows changed or gone
            cut = NOON + timedelta(minutes=minute - 20)
            kept = {place: row for place, row in standing.items() if place[1] >= cut}
            changed = {place: {**kept[place], "close": Decimal(7)} for place in list(kept)[::3]}
            gone = set(list(kept)[1::3])
            left = {place: row for place, row in kept.items() if place not in gone}
            left |= changed | new
            rewrite(writer, left.values(), f"minute_ts >= '{cut.isoformat()}'")
            standing = {place: row for place, row in standing.items() if place[1] < cut} | left
        else:
            writer.append(tables.GOLD, new.values())
            standing |= new
        followed = contents(gold_of(store, writer))
        assert followed == contents(gold_of(GoldStore(), writer))
        assert {
            (key.symbol, row["minute_ts"], row["close"])
            for key, found in followed["rows"].items()
            for row in found
        } == {(symbol, plain(at), f"{row['close']:.8f}") for (symbol, at), row in standing.items()}
        minute += chance.choice([5, 30, 400])


def test_what_is_older_than_25_hours_goes(writer: LakeWriter) -> None:
    store = GoldStore()
    writer.append(tables.GOLD, [gold_row(0), gold_row(0, "ETHUSDT"), gold_row(10)])
    assert gold_of(store, writer).since == NOON_MINUTE + 10 - KEPT_MINUTES
    writer.append(tables.GOLD, [gold_row(KEPT_MINUTES + 5)])
    followed = gold_of(store, writer)
    assert followed.series.keys() == {BTC}
    assert followed.series[BTC].minutes == (NOON_MINUTE + 10, NOON_MINUTE + KEPT_MINUTES + 5)
    # An old trade that comes late changes nothing that is kept.
    writer.append(tables.GOLD, [gold_row(1, "ETHUSDT")])
    assert gold_of(store, writer).series.keys() == {BTC}


def test_minutes_that_are_taken_back_bring_the_older_ones_in(writer: LakeWriter) -> None:
    store = GoldStore()
    writer.append(tables.GOLD, [gold_row(0)])
    writer.append(tables.GOLD, [gold_row(3 * KEPT_MINUTES)])
    assert gold_of(store, writer).series[BTC].minutes == (NOON_MINUTE + 3 * KEPT_MINUTES,)
    rewrite(writer, [gold_row(1)], f"minute_ts > '{NOON.isoformat()}'")
    assert gold_of(store, writer).series[BTC].minutes == (NOON_MINUTE, NOON_MINUTE + 1)


def test_a_table_that_was_made_anew_is_read_anew(writer: LakeWriter) -> None:
    store = GoldStore()
    writer.append(tables.GOLD, [gold_row(0), gold_row(1)])
    gold_of(store, writer)
    name = f"{tables.NAMESPACE}.{tables.GOLD}"
    schema = writer.catalog.load_table(name).schema()
    writer.catalog.drop_table(name)
    writer.catalog.create_table(name, schema)
    assert store.refresh(state(writer)) is None
    writer.append(tables.GOLD, [gold_row(0, "ETHUSDT")])
    assert gold_of(store, writer).series.keys() == {ETH}


def test_only_new_files_are_read(writer: LakeWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    store, read = GoldStore(), list[str]()
    original = table_files.read

    def counted(table: TableState, task: FileScanTask, wanted: BooleanExpression) -> pa.Table:
        read.append(task.file.file_path)
        return original(table, task, wanted)

    monkeypatch.setattr(table_files, "read", counted)
    for minute in range(4):
        writer.append(tables.GOLD, [gold_row(minute)])
        gold_of(store, writer)
    assert len(read) == 4


def test_a_load_that_fails_changes_nothing_and_is_made_up_for(
    writer: LakeWriter, tmp_path: Path
) -> None:
    store = GoldStore()
    writer.append(tables.GOLD, [gold_row(0)])
    gold_of(store, writer)
    before = set(tmp_path.rglob("*.parquet"))
    writer.append(tables.GOLD, [gold_row(1)])
    [file] = set(tmp_path.rglob("*.parquet")) - before
    hidden = file.rename(file.with_suffix(".hidden"))
    with pytest.raises(FileNotFoundError):
        store.refresh(state(writer))
    hidden.rename(file)
    assert gold_of(store, writer).series[BTC].minutes == (NOON_MINUTE, NOON_MINUTE + 1)


def test_amounts_of_any_size_are_exact(writer: LakeWriter) -> None:
    huge = Decimal("12345678901234567890.12345678")
    quote = Decimal("1234567890123456789012.1234567890123456")
    writer.append(tables.GOLD, [gold_row(0, close=huge, volume=huge, quote_volume=quote)])
    gold = gold_of(GoldStore(), writer)
    [row] = minute_rows(gold.blocks, BTC, 0, 1 << 40, 9)
    assert (row["close"], row["quote_volume"]) == (str(huge), str(quote))
    totals = gold.series[BTC].totals(NOON_MINUTE, NOON_MINUTE)
    assert (
        totals.volume == int(huge.scaleb(8))
        and totals.quote_volume == 12345678901234567890121234567890123456
    )


def test_the_audit_counts_failures_and_knows_each_jobs_last_batch(writer: LakeWriter) -> None:
    store = OpsRows("started_at", most_files=100)
    rows = [batch_row(n, status="failed" if n == 1 else "ok") for n in range(3)]
    writer.append(tables.AUDIT, rows)
    writer.append(tables.AUDIT, [batch_row(9, rows_in=0), batch_row(5, job=tables.SILVER)])
    audit = audit_of(store.refresh(state(writer, tables.AUDIT)), store.since_micros)
    assert [row["batch_id"] for row in audit.rows] == [9, 5, 2, 1, 0]
    gold = audit.jobs[tables.GOLD]
    assert (gold.last["batch_id"], gold.failed, gold.worst_lag_ms_1h) == (9, 1, 1009)
    assert gold.last_with_rows is not None and gold.last_with_rows["batch_id"] == 2
    assert audit.failed == 1


def test_of_a_long_audit_the_newest_files_are_read_and_it_is_said(writer: LakeWriter) -> None:
    for number in range(4):
        writer.append(tables.AUDIT, [batch_row(number)])
    store = OpsRows("started_at", most_files=2)
    rows = store.refresh(state(writer, tables.AUDIT))
    assert sorted(str(row["batch_id"]) for row in rows) == ["2", "3"]
    assert store.since_micros == int(NOON.timestamp() + 1) * 1_000_000 + 1
    writer.append(tables.AUDIT, [batch_row(4)])
    assert len(store.refresh(state(writer, tables.AUDIT))) == 3


def test_a_long_audit_keeps_what_later_views_need() -> None:
    plain = [
        {**batch_row(n), "finished_at": f"{NOON + timedelta(seconds=n):%Y-%m-%dT%H:%M:%SZ}"}
        for n in range(MOST_ROWS + 10)
    ]
    plain[3] |= {"status": "failed"}
    plain[4] |= {"job": "rebuild"}
    audit = audit_of(plain, None)
    dropped = [row["batch_id"] for row in plain if not must_stay(audit, row)]
    assert dropped == [0, 1, 2, 5, 6, 7, 8, 9]
    assert audit.rows_since is not None


def test_gaps_are_counted_by_what_became_of_them(writer: LakeWriter) -> None:
    writer.append(
        tables.GAP, [gap_row(10, 5, "open"), gap_row(1, 3, "open"), gap_row(7, 1, "repaired")]
    )
    writer.append(tables.GAP, [gap_row(20, 2, "open", "ETHUSDT")])
    found = gaps_of(OpsRows("detected_at").refresh(state(writer, tables.GAP)))
    assert [row["from_id"] for row in found.rows] == [20, 10, 7, 1]
    assert (found.open, found.missing_ids, found.open_since) == (3, 10, "2026-11-21T12:00:01Z")
    assert (found.missing[BTC], found.missing[ETH]) == (8, 2)
