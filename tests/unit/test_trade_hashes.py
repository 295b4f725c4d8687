"""The hashes of Silver's trades, against lines made the slow way; and how the work is cut up."""

import hashlib
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse import sign_off, trade_hashes
from lakehouse.completeness import prove
from lakehouse.errors import IncompleteError
from lakehouse.query import Lake
from lakehouse.trade_hashes import Extent
from tests.lakes import MIDNIGHT
from tests.trade_lines import lake_of, line, trade

LATER = MIDNIGHT + timedelta(days=1)

DECIMALS = st.decimals(min_value=0, max_value=10**19, places=8) | st.sampled_from(
    [Decimal(0), Decimal("0.00000001"), Decimal(100), Decimal("99999999999999999999.99999999")]
)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(DECIMALS, DECIMALS), min_size=1, max_size=20), st.integers(1, 9))
def test_decimals_and_slices_make_no_difference(
    tmp_path: Path, amounts: list[tuple[Decimal, Decimal]], most: int
) -> None:
    rows = [trade(n, minutes=n * 7, price=p, qty=q) for n, (p, q) in enumerate(amounts)]
    writer = lake_of(tmp_path / f"lake-{sum(1 for _ in tmp_path.iterdir())}", rows)
    with Lake(writer.settings) as lake:
        found = trade_hashes.hashes(lake, trade_hashes.extents(lake), most)
    wanted: dict[Any, str] = {}
    for row in rows:
        wanted[row["dt_hour"]] = wanted.get(row["dt_hour"], "") + line(row)
    hashed = {hour: hashlib.sha256(text.encode()).hexdigest() for hour, text in wanted.items()}
    assert {key[2]: value for key, value in found.items()} == hashed


def test_slices_take_small_hours_together_and_large_ones_apart() -> None:
    def extent(hour: int, symbol: str, trades: int) -> Extent:
        return Extent(MIDNIGHT + timedelta(hours=hour), "b", symbol, trades, 10, 9 + trades)

    found = [extent(0, "A", 3), extent(1, "A", 2), extent(2, "A", 2), extent(2, "B", 4)]
    first, second, *rest = list(trade_hashes.slices(found, 5))
    assert (first.first, first.last) == (found[0].hour, found[1].hour)
    assert second.symbol == "A"
    assert [(piece.symbol, piece.from_id, piece.to_id) for piece in rest] == [("B", 10, 13)]
    parts = list(trade_hashes.slices([extent(0, "A", 12)], 5))
    assert [(piece.from_id, piece.to_id) for piece in parts] == [(10, 14), (15, 19), (20, 21)]


def test_trades_under_a_wrong_hour_are_refused(tmp_path: Path) -> None:
    rows = [trade(1), trade(2, dt_hour=MIDNIGHT, event_ts=MIDNIGHT + timedelta(hours=3))]
    writer = lake_of(tmp_path / "lake", rows)
    with Lake(writer.settings) as lake, pytest.raises(IncompleteError, match="not of it"):
        sign_off.make(lake, prove(lake, LATER), LATER)
