"""What the exchange made, held against a small real lake."""

from pathlib import Path

import pytest
from rich.console import Console

from lakehouse import tables
from lakehouse.errors import IncompleteError
from lakehouse.pipeline import accounting
from lakehouse.pipeline.accounting import Account
from lakehouse.pipeline.feed import Extent
from lakehouse.query import Lake
from tests.lakes import LakeWriter, Row, record, silver_row

MADE = [Extent("BTCUSDT", 1, 4, 4), Extent("ETHUSDT", 1, 2, 2)]
WHOLE = [*(silver_row(agg_id) for agg_id in (1, 2, 3, 4)), silver_row(1, "ETHUSDT")]


def accounts(folder: Path, silver: list[Row], aside: list[Row]) -> list[Account]:
    writer = LakeWriter(folder)
    for table, rows in ((tables.SILVER, silver), (tables.QUARANTINE, aside)):
        if rows:
            writer.append(table, rows)
    with Lake(writer.settings) as lake:
        return accounting.accounts(lake, MADE)


def test_stored_and_set_aside_are_both_accounted_for(tmp_path: Path) -> None:
    found = accounts(tmp_path / "lake", WHOLE, [record(9, 2, "ETHUSDT")])
    assert found == [Account("BTCUSDT", 4, 4, 4, 0), Account("ETHUSDT", 2, 1, 1, 1)]
    accounting.raise_if_unequal(found)


def test_a_lost_trade_is_counted(tmp_path: Path) -> None:
    found = accounts(tmp_path / "lake", WHOLE, [])
    assert [(each.lost, each.duplicated) for each in found] == [(0, 0), (1, 0)]
    with pytest.raises(IncompleteError, match="1 trades of the exchange are not in Silver, 0 are"):
        accounting.raise_if_unequal(found)


def test_a_trade_that_stands_twice_does_not_hide_one_that_is_lost(tmp_path: Path) -> None:
    silver = [*WHOLE[:3], WHOLE[2], silver_row(1, "ETHUSDT"), silver_row(2, "ETHUSDT")]
    found = accounts(tmp_path / "lake", silver, [])
    assert [(each.lost, each.duplicated) for each in found] == [(1, 1), (0, 0)]
    with pytest.raises(IncompleteError, match=r"1 trades .* not in Silver, 1 are there twice"):
        accounting.raise_if_unequal(found)


def test_a_trade_in_silver_and_in_quarantine_counts_once(tmp_path: Path) -> None:
    aside = [record(1, 1), record(2, 1), record(9, 2, "ETHUSDT"), record(10, 2, "ETHUSDT")]
    found = accounts(tmp_path / "lake", WHOLE, aside)
    assert found == [Account("BTCUSDT", 4, 4, 4, 0), Account("ETHUSDT", 2, 1, 1, 1)]


def test_trades_of_an_earlier_feed_are_no_duplicates(tmp_path: Path) -> None:
    silver = [*WHOLE, silver_row(2, "ETHUSDT"), silver_row(100)]
    found = accounts(tmp_path / "lake", silver, [])
    accounting.raise_if_unequal(found)


def test_the_table_shows_the_figures() -> None:
    console = Console(record=True, width=120)
    console.print(accounting.table([Account("BTCUSDT", 12_345, 12_343, 12_342, 1)]))
    row = next(line for line in console.export_text().splitlines() if "BTCUSDT" in line)
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [
        "BTCUSDT", "12,345", "12,343", "1", "2", "1",
    ]  # fmt: skip
