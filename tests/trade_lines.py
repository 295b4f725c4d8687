"""Whole rows of Silver and the canonical lines of a manifest, made the slow way."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from lakehouse.tables import SILVER
from tests.lakes import MIDNIGHT, LakeWriter, Row, silver_row


def trade(agg_id: int, symbol: str = "BTCUSDT", minutes: float = 0, **more: Any) -> Row:
    ids = {"first_trade_id": 2 * agg_id, "last_trade_id": 2 * agg_id + 1}
    return {**silver_row(agg_id, symbol, minutes), **ids, **more}


def lake_of(folder: Path, rows: Sequence[Row]) -> LakeWriter:
    writer = LakeWriter(folder, [SILVER])
    writer.append(SILVER, rows)
    return writer


def line(row: Row) -> str:
    """The canonical line, made the slow way."""
    amounts = [format(row[name].normalize(), "f") for name in ("price", "qty")]
    micros = (row["event_ts"] - MIDNIGHT) // timedelta(microseconds=1) + 1_723_161_600_000_000
    maker = "true" if row["is_buyer_maker"] else "false"
    ids = (row["first_trade_id"], row["last_trade_id"])
    return ",".join(map(str, (row["agg_id"], *amounts, *ids, micros, maker))) + "\n"
