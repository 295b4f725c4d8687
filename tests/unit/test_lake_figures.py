"""The lake as the API's /metrics shows it: what is on record, and no more symbols than bounded."""

from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from lakehouse import tables
from lakehouse.api.hour_watch import HourWatch
from lakehouse.api.lake_figures import MOST_SYMBOLS, LakeFigures
from lakehouse.api.refresher import Refresher
from tests.gold_lakes import NAMES, NOON, batch_row, gap_row, gold_row
from tests.lakes import LakeWriter, silver_row

NOW = NOON.timestamp() + 60


class Page:
    """A lake, and the figures made of it."""

    def __init__(self, folder: Path) -> None:
        self.lake = LakeWriter(folder / "lake", NAMES)
        self.refresher = Refresher(self.lake.settings, lambda: NOW)
        self.watch = HourWatch(self.lake.settings, self.refresher, lambda: NOW)
        self.registry = CollectorRegistry()
        self.registry.register(LakeFigures(self.refresher, self.watch, 120.0, lambda: NOW))

    def look(self) -> None:
        self.refresher.refresh()
        assert self.refresher.state.failure == ""
        self.watch.look()

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"firehose_lake_{name}", labels)

    def count(self, name: str) -> int:
        families = {metric.name: metric for metric in self.registry.collect()}
        return len(families[f"firehose_lake_{name}"].samples)


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(tmp_path)


def test_before_the_first_look_and_on_an_empty_lake_there_are_no_wrong_figures(page: Page) -> None:
    assert page.value("source_status", status="ok") is None
    assert page.count("symbol_close") == page.count("layer_rows") == 0
    page.look()
    assert page.value("source_status", status="stale") == 1
    assert page.value("layer_rows", table=tables.GOLD) == 0
    assert page.value("layer_commit_timestamp", table=tables.GOLD) is None
    assert page.value("open_gap_timestamp") is None and page.value("missing_ids") == 0


def test_the_market_freshness_gaps_and_checks_are_told(page: Page) -> None:
    rows = [gold_row(-1), gold_row(0, price="100.5", spike=True, return_1m=None)]
    page.lake.append(tables.GOLD, [*rows, gold_row(0, "ETHUSDT", "7")])
    gaps = [gap_row(5, 10, "open"), gap_row(40, 3, "open"), gap_row(60, 2, "unrepairable")]
    page.lake.append(tables.GAP, gaps)
    checks = [batch_row(3, "check:silver.unique"), batch_row(9, "check:silver.unique", "failed")]
    page.lake.append(tables.AUDIT, [batch_row(1), batch_row(2, status="failed"), *checks])
    page.look()
    btc = {"exchange": "binance", "symbol": "BTCUSDT"}
    assert page.value("symbol_close", **btc) == 100.5
    assert page.value("symbol_volume", **btc) == 2 and page.value("symbol_trades", **btc) == 3
    assert page.value("symbol_spike", **btc) == 1 and page.value("symbol_return", **btc) is None
    assert page.value("symbol_minute_timestamp", **btc) == NOON.timestamp()
    assert page.value("newest_minute_timestamp") == NOW
    assert page.value("gaps", status="open") == 2
    assert page.value("gaps", status="unrepairable") == 1
    assert page.value("gaps", status="repaired") == 0
    assert page.value("open_gap_timestamp") == (NOON + timedelta(seconds=5)).timestamp()
    assert page.value("missing_ids") == page.value("symbol_missing_ids", **btc) == 13
    assert page.value("check_status", check="silver.unique", status="failed") == 1
    assert page.value("check_status", check="silver.unique", status="ok") == 0
    assert page.value("failed_batches", stream=tables.GOLD) == 1
    assert page.value("last_batch_ok", stream=tables.GOLD) == 0
    assert page.value("layer_rows", table=tables.GOLD) == 3
    assert page.value("table_files", table=tables.GOLD) == 1
    assert page.value("table_delete_files", table=tables.GOLD) == 0


def test_symbols_are_bounded_to_those_that_are_traded_most(page: Page) -> None:
    many = [gold_row(0, f"S{n}USDT", str(n + 1)) for n in range(MOST_SYMBOLS + 5)]
    page.lake.append(tables.GOLD, many)
    page.look()
    assert page.count("symbol_close") == page.count("symbol_spikes_24h") == MOST_SYMBOLS
    assert page.value("symbol_close", exchange="binance", symbol="S0USDT") is None


def test_completeness_is_told_by_hour_and_symbol(page: Page) -> None:
    """Ids 1 to 4 in one hour, 5 missing, 6 and 7 in the next, 7 twice."""
    early = [silver_row(agg_id, minutes=1) for agg_id in (1, 2, 3, 4)]
    late = [silver_row(agg_id, minutes=61) for agg_id in (6, 7, 7)]
    for rows in (early, late):
        page.lake.append(tables.SILVER, rows)
    for _ in range(3):
        page.look()
    assert page.value("unread_hours") == 0
    hours = [page.value("hour_missing_ids", hours_ago=str(ago)) for ago in (0, 1)]
    assert sorted(number for number in hours if number is not None) == [0, 1]
    assert page.value("hour_duplicate_ids", hours_ago="0") == 1
    btc = {"exchange": "binance", "symbol": "BTCUSDT"}
    assert page.value("symbol_expected_ids", **btc) == 7
    assert page.value("symbol_present_ids", **btc) == 6
