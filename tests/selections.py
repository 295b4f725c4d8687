"""Selections of quarantine, drawn at random, and what each means said in plain Python."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from lakehouse.quarantine import Selection
from tests.lakes import Row

FIRST = datetime(2024, 8, 9, tzinfo=UTC)
REASONS = ("price_not_positive", "qty_missing", "symbol_unknown")
SYMBOLS = ("BTCUSDT", "币安人生USDT", "it's; --", None)
TOPICS = ("trades", "gaps")
_TIMES = st.integers(0, 6).map(lambda hours: FIRST + timedelta(hours=hours))


def held_rows() -> list[Row]:
    """Rows of every kind: 48 of them, each at another offset."""
    return [
        {
            "kafka_topic": TOPICS[n % 2],
            "kafka_partition": n % 3,
            "kafka_offset": n,
            "symbol": SYMBOLS[n % 4],
            "reasons": list(REASONS[n % 3 : n % 3 + 1 + n % 2]),
            "quarantined_at": FIRST + timedelta(minutes=11 * n, microseconds=n % 2),
            "released_at": FIRST if n % 5 == 0 else None,
            "raw": b"{}",
        }
        for n in range(48)
    ]


def drawn() -> st.SearchStrategy[Selection]:
    """Selections that ask some things and leave others open."""
    offsets = st.tuples(st.integers(0, 50), st.integers(0, 20)).map(lambda p: (p[0], p[0] + p[1]))
    return st.builds(
        Selection,
        reasons=st.lists(st.sampled_from(REASONS), max_size=2, unique=True).map(tuple),
        symbols=st.lists(st.sampled_from(SYMBOLS[:3]), max_size=2, unique=True).map(tuple),
        since=st.none() | _TIMES,
        until=st.none() | _TIMES,
        topic=st.none() | st.sampled_from(TOPICS),
        partition=st.none() | st.integers(0, 3),
        offsets=st.lists(offsets, max_size=2).map(tuple),
        released=st.none() | st.booleans(),
    )


def keeps(chosen: Selection, row: dict[str, Any] | Row) -> bool:
    """Whether the selection means the row."""
    place = row["kafka_offset"]
    return all(
        [
            not chosen.reasons or {*chosen.reasons} & {*row["reasons"]},
            not chosen.symbols or row["symbol"] in chosen.symbols,
            chosen.since is None or row["quarantined_at"] >= chosen.since,
            chosen.until is None or row["quarantined_at"] < chosen.until,
            chosen.topic is None or row["kafka_topic"] == chosen.topic,
            chosen.partition is None or row["kafka_partition"] == chosen.partition,
            not chosen.offsets or any(lo <= place <= hi for lo, hi in chosen.offsets),
            chosen.released is None or (row["released_at"] is not None) == chosen.released,
        ]
    )


def wanted(chosen: Selection) -> list[int]:
    """The offsets of `held_rows` that a selection means."""
    return [row["kafka_offset"] for row in held_rows() if keeps(chosen, row)]
