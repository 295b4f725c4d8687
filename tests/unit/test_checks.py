"""Every check of sql/<table>/checks.sql: passes on a good lake, and finds exactly its defect."""

import copy
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lakehouse.checks.catalogue import FAIL, Check, all_checks
from lakehouse.checks.runner import BEGINNING, FAILED, WARNED, Bounds
from lakehouse.tables import AUDIT, BRONZE, GAP, GOLD, MIGRATION, QUARANTINE, SILVER, SPIKE, SUMMARY
from tests.checked_lake import (
    BOUNDS,
    NOW,
    REJECTED,
    UNREPAIRABLE,
    CheckedLake,
    Defect,
    Rows,
    audit_row,
    good_rows,
    minutes,
)

GOOD = good_rows()
CHECKS = {check.name: check for check in all_checks()}


def put(table: str, at: int, **values: Any) -> Defect:
    """Row `at` of a table gets these values."""
    return lambda rows: rows[table][at].update(values)


def twice(table: str, at: int = 5) -> Defect:
    """Row `at` of a table stands there once more."""
    return lambda rows: rows[table].append(dict(rows[table][at]))


def also(table: str, **values: Any) -> Defect:
    """A table has a copy of its first row with these values."""
    return lambda rows: rows[table].append({**rows[table][0], **values})


def offsets_left_out(rows: Rows) -> None:
    """Two offsets of a partition are nowhere."""
    for row in rows[BRONZE][80:119]:
        row["kafka_offset"] += 2


def lost_on_the_way(rows: Rows) -> None:
    """A trade that Bronze has, and Silver and what is made of it have not."""
    del rows[SILVER][7]
    rows[GOLD] = minutes(rows[SILVER])


def strange_trade(**values: Any) -> Defect:
    """A trade of Silver has other values than its record; Gold is made of what Silver has."""

    def do(rows: Rows) -> None:
        trade = rows[SILVER][7]
        trade.update(values)
        trade["quote_qty"] = trade["price"] * trade["qty"]
        rows[GOLD] = minutes(rows[SILVER])

    return do


LATE = NOW - timedelta(minutes=5)
NO_NEWS = replace(BOUNDS, freshness_seconds=300)

# The check → a defect that it finds. Some defects can't be had without another one.
DEFECTS: dict[str, Defect] = {
    "bronze_record_once": twice(BRONZE),
    "bronze_times_agree": put(BRONZE, REJECTED, trade_time=1),
    "bronze_raw_kept": put(BRONZE, -1, raw=None),
    "bronze_offsets_unbroken": offsets_left_out,
    "silver_key_once": twice(SILVER),
    "silver_quote_qty_exact": put(SILVER, 5, quote_qty=Decimal("1.0000000000000001")),
    "silver_values_right": put(SILVER, 5, source=None),
    "silver_hour_right": put(SILVER, 5, dt_hour=LATE),
    "silver_from_bronze": strange_trade(price=Decimal("101.50000001")),
    "silver_complete": lost_on_the_way,
    "silver_ids_unbroken": put(GAP, 1, from_id=UNREPAIRABLE - 1, to_id=UNREPAIRABLE - 1),
    "quarantine_reasons_given": put(QUARANTINE, 0, reasons=[]),
    "quarantine_rules_known": put(QUARANTINE, 0, reasons=["qty_not_positve"]),
    "quarantine_record_once": twice(QUARANTINE, 0),
    "quarantine_raw_kept": put(QUARANTINE, 0, raw=None),
    "quarantine_from_bronze": also(QUARANTINE, kafka_offset=900),
    "quarantine_released_found": put(QUARANTINE, 0, released_at=LATE),
    "quarantine_few": put(AUDIT, 3, dq_fail=20, rows_out=40, dq_pass=40),
    "gold_key_once": twice(GOLD),
    "gold_prices_ordered": put(GOLD, 5, low=Decimal(500)),
    "gold_vwap_within": put(GOLD, 5, vwap_1m=Decimal(1)),
    "gold_volumes_right": put(GOLD, 5, volume_5m=Decimal(0)),
    "gold_equals_silver": put(GOLD, 5, close=GOOD[GOLD][5]["open"]),
    "gold_minutes_final": put(GOLD, 3, is_final=False),
    "audit_adds_up": put(AUDIT, 0, rows_out=1),
    "audit_batch_once": twice(AUDIT, 0),
    "audit_batches_unbroken": put(AUDIT, 1, batch_id=3),
    "audit_bronze_is_read": put(AUDIT, 2, rows_in=1, rows_out=1, dq_pass=1),
    "audit_batches_succeed": also(AUDIT, status="failed", error="no disk", query_id="failed-x"),
    "gap_range_right": put(GAP, 0, from_id=13),
    "gap_state_right": put(GAP, 0, repaired_at=None),
    "gaps_apart": also(GAP, from_id=11),
    "gaps_close": put(GAP, 2, detected_at=NOW - timedelta(minutes=11)),
    "spike_once": twice(SPIKE, 0),
    "spike_state_right": put(SPIKE, 0, delivered_at=None),
    "spikes_taken": put(SPIKE, 1, status="refused"),
    "spikes_told_soon": put(SPIKE, 1, detected_at=NOW - timedelta(minutes=11)),
    "summary_words_verified": put(SUMMARY, 0, verified=False),
    "summary_once": twice(SUMMARY, 0),
    "summary_spike_once": also(SUMMARY, summary_id="again", event_id="e1"),
    "summary_sent": put(SUMMARY, 1, sent_telegram="failed"),
    "migration_once": put(MIGRATION, 1, number=3),
}
# Stale layers are not defects of rows: they have tests of their own, below.
OF_FRESHNESS = {"bronze_fresh", "silver_fresh", "gold_fresh"}
INEVITABLE: dict[str, set[str]] = {
    "silver_key_once": {"gold_equals_silver"},  # its minute counts one more
    "silver_quote_qty_exact": {"gold_equals_silver"},
    "silver_complete": {"silver_ids_unbroken"},
    "gold_prices_ordered": {"gold_vwap_within", "gold_equals_silver"},
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> CheckedLake:
    return CheckedLake(tmp_path_factory.mktemp("checked"))


def broken(lake: CheckedLake, defect: Defect, bounds: Bounds = BOUNDS) -> set[str]:
    """The checks that do not pass on the good lake with this defect."""
    rows = copy.deepcopy(GOOD)
    defect(rows)
    lake.hold(rows)
    changed = {name for name in rows if rows[name] != GOOD[name]} or set(rows)
    chosen = [check for check in all_checks() if bounds.full or not check.full_only]
    found = lake.run([check for check in chosen if check.reads & changed], bounds)
    wanted = {name: _status(CHECKS[name]) for name, each in found.items() if not each.passed}
    assert {name: found[name].status for name in wanted} == wanted
    return set(wanted)


def _status(check: Check) -> str:
    return FAILED if check.level == FAIL else WARNED


def nothing(_rows: Rows) -> None:
    """The good lake."""


def full(bounds: Bounds) -> Bounds:
    return replace(bounds, since=BEGINNING, full=True)


@pytest.mark.parametrize("bounds", [BOUNDS, full(BOUNDS)], ids=["window", "full"])
def test_a_good_lake_passes_every_check(lake: CheckedLake, bounds: Bounds) -> None:
    assert broken(lake, nothing, bounds) == set()


def test_no_check_is_without_a_lake_that_it_finds_fault_with() -> None:
    assert set(DEFECTS) | OF_FRESHNESS == set(CHECKS)


@pytest.mark.parametrize("name", DEFECTS)
def test_a_check_finds_its_defect_and_no_other_does(lake: CheckedLake, name: str) -> None:
    bounds = full(BOUNDS) if CHECKS[name].full_only else BOUNDS
    found = broken(lake, DEFECTS[name], bounds)
    assert found == {name} | INEVITABLE.get(name, set())


def test_what_is_told_of_a_defect(lake: CheckedLake) -> None:
    broken(lake, twice(SILVER))
    result = lake.run([CHECKS["silver_key_once"]])["silver_key_once"]
    trade = GOOD[SILVER][5]
    key = {name: trade[name] for name in ("exchange", "symbol", "agg_id")}
    assert (result.status, result.rows, result.examples) == (FAILED, 1, ({**key, "rows": 2},))
    assert "exchange=binance, symbol=BTCUSDT, agg_id=5, rows=2" in result.reason
    assert CHECKS["silver_key_once"].job == "check:crypto_silver_trades.silver_key_once"


def test_an_empty_lake_passes_all_but_freshness(tmp_path: Path) -> None:
    lake = CheckedLake(tmp_path / "lake")
    lake.hold({name: [] for name in GOOD})
    assert {
        name for name, each in lake.run(all_checks(), full(BOUNDS)).items() if not each.passed
    } == {"bronze_fresh"}


def test_a_layer_whose_newest_rows_are_old_is_stale(lake: CheckedLake) -> None:
    assert "bronze_fresh" in broken(lake, nothing, NO_NEWS)
    assert "bronze_fresh" not in broken(lake, nothing, BOUNDS)


def test_the_window_spares_what_is_older(lake: CheckedLake) -> None:
    since = replace(BOUNDS, since=NOW - timedelta(minutes=1))
    assert "bronze_record_once" in broken(lake, twice(BRONZE))
    assert "bronze_record_once" not in broken(lake, twice(BRONZE), since)


def test_batches_of_a_new_checkpoint_begin_anew(lake: CheckedLake) -> None:
    def again(rows: Rows) -> None:
        rows[AUDIT].append({**audit_row(SILVER, 0, 0), "query_id": "another"})

    assert broken(lake, again) == set()


def test_a_new_checkpoint_over_a_history_that_is_partly_gone(lake: CheckedLake) -> None:
    """The first checkpoint's stream read 100 rows, the second's what is left of the history."""
    total = len(GOOD[BRONZE])

    def read(first: int, second: int) -> set[str]:
        def defect(rows: Rows) -> None:
            others = [row for row in rows[AUDIT] if row["job"] != SILVER]
            before = {**audit_row(SILVER, 0, first), "query_id": "before"}
            rows[AUDIT] = [*others, before, audit_row(SILVER, 1, second)]

        return broken(lake, defect, full(BOUNDS))

    assert read(100, 50) == set(), "30 of them by both"
    assert read(total, total) == set(), "a stream that began anew"
    amiss = {"audit_bronze_is_read"}
    assert read(60, total - 61) == amiss, "one row by neither"
    assert read(100, total + 1) == amiss, "one row twice by the second"
    assert read(total + 1, total) == amiss, "one row twice by the first"
