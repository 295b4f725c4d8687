"""/v1/completeness says of each hour what `firehose verify` says, however the lake came about."""

import dataclasses
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from lakehouse import tables
from lakehouse.api import hour_models, table_state
from lakehouse.api.gaps import Gaps, gaps_of
from lakehouse.api.hour_files import KEPT_HOURS
from lakehouse.api.hour_watch import HourWatch
from lakehouse.api.hours import Hours, HourStore
from lakehouse.api.id_store import IdStore
from lakehouse.api.ops_rows import OpsRows
from lakehouse.api.refresher import Refresher
from lakehouse.api.table_state import TableState
from lakehouse.catalog import table_locations
from lakehouse.completeness import prove
from lakehouse.query import Lake
from lakehouse.values import plain
from tests.gold_lakes import NAMES, gap_row, gold_row
from tests.lakes import MIDNIGHT, LakeWriter, Row, silver_row

BTC, ETH = "BTCUSDT", "ETHUSDT"


def state(writer: LakeWriter, table: str = tables.SILVER) -> TableState:
    return table_state.read(writer.settings, table_locations(writer.settings)[table])


def gaps_in(writer: LakeWriter) -> Gaps:
    return gaps_of(OpsRows("detected_at").refresh(state(writer, tables.GAP)))


def proved(store: HourStore, writer: LakeWriter) -> Hours:
    """Steps until every file is read."""
    table, gaps = state(writer), gaps_in(writer)
    for _ in range(KEPT_HOURS + 1):
        found = store.step(table, gaps)
        if not found.unread:
            return found
    raise AssertionError("it does not end")


def told(hours: Hours) -> list[dict[str, Any]]:
    return [orjson.loads(cell.body) for cell in hours.cells]


def as_verify(row: dict[str, Any]) -> dict[str, Any]:
    names = ("exchange", "symbol", "hour", "first_id", "last_id", "missing")
    return {
        **{name: row[name] for name in names},
        "trades": row["present"] + row["duplicates"],
        "duplicates": row["duplicates"],
        "unrepairable": row["unrepairable"],
    }


def verified(writer: LakeWriter) -> list[dict[str, Any]]:
    with Lake(writer.settings) as lake:
        hours = prove(lake, datetime.now(UTC)).hours
    return [
        {name: plain(value) for name, value in dataclasses.asdict(hour).items()} for hour in hours
    ]


def agree(store: HourStore, writer: LakeWriter) -> list[dict[str, Any]]:
    found = told(proved(store, writer))
    assert [as_verify(row) for row in found] == verified(writer)
    for row in found:
        hour_models.HourCell.model_validate_json(orjson.dumps(row))
        assert row["expected"] == row["present"] + row["missing"]
        known = row["missing"] - row["unexplained"]
        assert max(row["open"], row["unrepairable"]) <= known <= row["open"] + row["unrepairable"]
    return found


def rewrite(writer: LakeWriter, rows: Iterable[Row], where: str) -> None:
    """What a compaction or a repair by hand does: files go, others come, in one commit."""
    loaded = writer.catalog.load_table(f"{tables.NAMESPACE}.{tables.SILVER}")
    schema = loaded.schema().as_arrow()
    full = [{name: row.get(name) for name in schema.names} for row in rows]
    loaded.overwrite(pa.Table.from_pylist(full, schema=schema), overwrite_filter=where)


@pytest.fixture
def writer(tmp_path: Path) -> LakeWriter:
    return LakeWriter(tmp_path / "lake", NAMES)


@pytest.mark.parametrize("seed", range(2))
def test_it_agrees_with_verify_while_a_lake_grows_and_is_written_anew(
    writer: LakeWriter, seed: int
) -> None:
    chance, store = random.Random(seed), HourStore(writer.settings)
    standing: list[Row] = []
    first = {BTC: -70, ETH: 3_000_000_000}
    for step in range(6):
        ids = [(s, n) for s in first for n in range(step * 100, step * 100 + 130)]
        kept = [pair for pair in ids if chance.random() < chance.choice([0.6, 0.99, 1])]
        rows = [silver_row(first[s] + n, s, minutes=n * 0.6) for s, n in kept]
        writer.append(tables.SILVER, rows)
        standing += rows
        lo = first[ETH] + chance.randrange(600)
        status = chance.choice(["open", "unrepairable", "repaired"])
        writer.append(tables.GAP, [gap_row(lo, chance.randrange(1, 60), status, ETH)])
        agree(store, writer)
        if step % 2:  # an hour is written anew, some of its trades are gone or there twice
            cut = MIDNIGHT + timedelta(hours=step // 2)
            end = cut + timedelta(hours=1)
            where = f"event_ts >= '{cut.isoformat()}' and event_ts < '{end.isoformat()}'"
            hour = [row for row in standing if cut <= row["event_ts"] < end]
            standing = [row for row in standing if row not in hour]
            hour = [row for row in hour if chance.random() < 0.9] + hour[:3]
            rewrite(writer, hour, where)
            standing += hour
            assert agree(store, writer) == told(proved(HourStore(writer.settings), writer))


def test_a_hole_between_hours_counts_in_the_hour_before_it(writer: LakeWriter) -> None:
    ids = [n for n in range(300) if n not in {5, 119, 120, 121, 130}]
    writer.append(tables.SILVER, [silver_row(n, minutes=n / 2) for n in ids])
    gaps = [gap_row(119, 2, "unrepairable"), gap_row(5, 1, "open"), gap_row(130, 1, "repaired")]
    writer.append(tables.GAP, gaps)
    found = agree(HourStore(writer.settings), writer)
    names = ("first_id", "last_id", "expected", "present", "missing", "open", "unrepairable")
    assert [tuple(row[name] for name in (*names, "unexplained")) for row in found] == [
        (0, 118, 122, 118, 4, 1, 2, 1),
        (122, 239, 118, 117, 1, 0, 0, 1),  # 130 is said to be repaired, and is not there
        (240, 299, 60, 60, 0, 0, 0, 0),
    ]


def test_a_gap_that_two_records_tell_is_explained_once(writer: LakeWriter) -> None:
    writer.append(tables.SILVER, [silver_row(0), silver_row(10)])
    both = [gap_row(1, 6, "open"), gap_row(4, 6, "unrepairable"), gap_row(2, 3, "open")]
    writer.append(tables.GAP, both)
    [row] = agree(HourStore(writer.settings), writer)
    assert (row["missing"], row["open"], row["unrepairable"], row["unexplained"]) == (9, 6, 6, 0)


def test_each_file_is_read_once_and_a_gap_costs_no_reading(
    writer: LakeWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, store = list[int](), HourStore(writer.settings)
    original = IdStore.add

    def counted(self: IdStore, part: int, files: Any, given: Any, anew: bool) -> None:
        read.append(len(files))
        original(self, part, files, given, anew)

    monkeypatch.setattr(IdStore, "add", counted)
    for n in range(3):
        writer.append(tables.SILVER, [silver_row(n), silver_row(n, minutes=61)])
        proved(store, writer)
    writer.append(tables.GAP, [gap_row(1, 1, "open")])
    proved(store, writer)
    assert read == [1, 1, 1]


def test_the_newest_hour_is_read_first_and_what_is_left_is_told(writer: LakeWriter) -> None:
    for hour in range(3):
        writer.append(tables.SILVER, [silver_row(hour, minutes=60 * hour)])
    store, gaps = HourStore(writer.settings), gaps_in(writer)
    first = store.step(state(writer), gaps)
    assert [row["hour"][11:16] for row in told(first)] == ["02:00"]
    assert [hour // 3_600_000_000 % 24 for hour in first.unread] == [0, 1]
    assert [row["hour"][11:16] for row in told(store.step(state(writer), gaps))] == [
        "01:00", "02:00",
    ]  # fmt: skip


def test_hours_that_are_too_old_are_forgotten(writer: LakeWriter) -> None:
    store = HourStore(writer.settings)
    writer.append(tables.SILVER, [silver_row(1)])
    proved(store, writer)
    writer.append(tables.SILVER, [silver_row(2, minutes=60 * KEPT_HOURS)])
    assert [row["first_id"] for row in told(proved(store, writer))] == [2]


def test_what_fails_is_made_up_for(writer: LakeWriter, tmp_path: Path) -> None:
    refresher = Refresher(writer.settings)
    watch = HourWatch(writer.settings, refresher, lambda: 7.0)
    watch.look()
    assert watch.state.hours is None
    writer.append(tables.GOLD, [gold_row(0)])
    writer.append(tables.SILVER, [silver_row(1)])
    refresher.refresh()
    watch.look()
    before = set(tmp_path.rglob("*.parquet"))
    writer.append(tables.SILVER, [silver_row(2)])
    [file] = set(tmp_path.rglob("*.parquet")) - before
    hidden = file.rename(file.with_suffix(".hidden"))
    refresher.refresh()
    watch.look()
    hours = watch.state.hours
    assert hours is not None and watch.state.failing_since == 7_000_000
    assert [row["last_id"] for row in told(hours)] == [1]
    hidden.rename(file)
    watch.look()
    assert watch.state.failing_since is None and watch.state.hours is not None
    assert [row["last_id"] for row in told(watch.state.hours)] == [2]
