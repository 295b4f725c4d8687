"""The completeness proof on real Iceberg tables, against a plain Python set."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse.completeness import SETTLING, Proof, prove
from lakehouse.id_ranges import IdRanges
from lakehouse.query import Lake
from lakehouse.tables import BRONZE, QUARANTINE, SILVER
from tests.lakes import MIDNIGHT, LakeWriter, record, silver_row

LATER = MIDNIGHT + timedelta(hours=1)
FIRST = 3_100_000_000


def proof_of(writer: LakeWriter) -> Proof:
    with Lake(writer.settings) as lake:
        return prove(lake, LATER)


def gaps_of(proof: Proof) -> list[tuple[int, int]]:
    return [(gap.from_id, gap.to_id) for gap in proof.gaps]


@pytest.fixture
def writer(tmp_path: Path) -> LakeWriter:
    return LakeWriter(tmp_path / "lake")


def test_a_complete_lake_is_proved_complete(writer: LakeWriter) -> None:
    writer.append(SILVER, [silver_row(FIRST + n, minutes=n / 2) for n in range(200)])
    writer.append(SILVER, [silver_row(7 + n, "ETHUSDT") for n in range(3)])
    writer.append(BRONZE, [record(n, FIRST + n) for n in range(200)])
    proof = proof_of(writer)
    assert (proof.complete, proof.faults, proof.trades) == (True, (), 203)
    bitcoin, ether = proof.symbols
    assert (bitcoin.first_id, bitcoin.last_id, bitcoin.trades) == (FIRST, FIRST + 199, 200)
    assert (ether.symbol, ether.first_id, ether.last_id) == ("ETHUSDT", 7, 9)
    assert [(h.symbol, clock(h.hour), h.first_id - FIRST, h.trades) for h in proof.hours[:2]] == [
        ("BTCUSDT", 0, 0, 120),
        ("BTCUSDT", 1, 120, 80),
    ]
    assert proof.bronze is not None
    assert (proof.bronze.records, proof.bronze.keys, proof.bronze.lost) == (200, 200, 0)


def clock(hour: datetime | None) -> int:
    assert hour is not None
    return hour.hour


def test_gaps_within_an_hour_and_between_hours_are_found(writer: LakeWriter) -> None:
    ids = [n for n in range(300) if n not in {5, 63, 64, 119, 120, 121}]
    writer.append(SILVER, [silver_row(FIRST + n, minutes=n / 2) for n in ids])
    proof = proof_of(writer)
    found = [(g.from_id - FIRST, g.to_id - FIRST, clock(g.hour)) for g in proof.gaps]
    assert found == [(5, 5, 0), (63, 64, 0), (119, 121, 0)]
    assert [(clock(hour.hour), hour.missing) for hour in proof.hours] == [(0, 6), (1, 0), (2, 0)]
    assert proof.faults == ("6 ids missing from Silver",)
    assert proof.symbols[0].gaps == 3


def test_an_id_that_stands_twice_is_found_within_and_across_hours(writer: LakeWriter) -> None:
    rows = [silver_row(FIRST + n) for n in (0, 1, 1, 2)]
    writer.append(SILVER, [*rows, silver_row(FIRST + 2, minutes=70)])
    proof = proof_of(writer)
    assert [(clock(hour.hour), hour.duplicates) for hour in proof.hours] == [(0, 1), (1, 0)]
    assert (proof.duplicates, proof.missing, proof.complete) == (2, 0, False)
    assert proof.faults == ("2 duplicate rows in Silver",)


# One lake serves all examples: every example is a symbol of its own.
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 400), min_size=1, max_size=80), st.integers(-100, 2**53))
def test_agrees_with_a_plain_set(tmp_path: Path, offsets: list[int], base: int) -> None:
    folder = tmp_path / f"lake-{sum(1 for _ in tmp_path.iterdir())}"
    writer = LakeWriter(folder, [SILVER])
    ids = [base + offset for offset in offsets]
    writer.append(SILVER, [silver_row(n, minutes=(n - base) / 3) for n in ids])
    proof, ranges = proof_of(writer), IdRanges.from_ids(ids)
    assert gaps_of(proof) == ranges.missing()
    assert proof.duplicates == sum(count - 1 for count in Counter(ids).values())
    assert proof.missing == sum(hi - lo + 1 for lo, hi in ranges.missing())
    assert (proof.symbols[0].first_id, proof.symbols[0].last_id) == (min(ids), max(ids))


def test_records_of_bronze_must_be_in_silver_or_quarantine(writer: LakeWriter) -> None:
    writer.append(SILVER, [silver_row(FIRST), silver_row(FIRST + 1)])
    lost, held, released = FIRST + 2, FIRST + 3, FIRST + 4
    keys = [FIRST, FIRST + 1, lost, held, released, None, None]
    writer.append(BRONZE, [record(offset, key) for offset, key in enumerate(keys)])
    writer.append(QUARANTINE, [record(3, held), record(5, None)])
    writer.append(QUARANTINE, [record(4, released, released_at=MIDNIGHT)])
    bronze = proof_of(writer).bronze
    assert bronze is not None
    assert [(r.kafka_offset, r.agg_id) for r in bronze.lost_records] == [
        (2, lost),
        (4, released),
        (6, None),
    ]
    assert (bronze.lost, bronze.waiting, bronze.records, bronze.keys) == (3, 0, 7, 5)


def test_a_released_record_may_be_back_in_quarantine(writer: LakeWriter) -> None:
    writer.append(SILVER, [silver_row(FIRST)])
    writer.append(BRONZE, [record(0, FIRST + 1), record(1, FIRST + 1)])
    writer.append(QUARANTINE, [record(0, FIRST + 1, released_at=MIDNIGHT), record(1, FIRST + 1)])
    assert proof_of(writer).complete


def test_a_released_record_that_bronze_could_not_read_is_in_silver_by_its_key(
    writer: LakeWriter,
) -> None:
    writer.append(SILVER, [silver_row(FIRST), silver_row(FIRST + 1)])
    writer.append(BRONZE, [record(0, FIRST), record(1, None), record(2, None), record(3, None)])
    away = [record(1, FIRST + 1), record(2, FIRST + 2), record(3, None, symbol=None)]
    writer.append(QUARANTINE, [{**row, "released_at": MIDNIGHT} for row in away])
    bronze = proof_of(writer).bronze
    assert bronze is not None
    assert [row.kafka_offset for row in bronze.lost_records] == [2]


def test_a_good_record_is_not_excused_by_a_bad_one_of_its_key(writer: LakeWriter) -> None:
    writer.append(SILVER, [silver_row(FIRST)])
    writer.append(BRONZE, [record(0, FIRST + 1), record(1, FIRST + 1)])
    writer.append(QUARANTINE, [record(0, FIRST + 1)])
    assert proof_of(writer).faults == ("1 records lost between Bronze and Silver",)


def test_a_young_record_is_on_its_way_and_not_lost(writer: LakeWriter) -> None:
    writer.append(SILVER, [silver_row(FIRST)])
    young = LATER - SETTLING + timedelta(seconds=1)
    writer.append(BRONZE, [record(0, FIRST), record(1, FIRST + 1, kafka_timestamp=young)])
    proof = proof_of(writer)
    assert proof.bronze is not None
    assert (proof.complete, proof.bronze.lost, proof.bronze.waiting) == (True, 0, 1)


def test_a_kafka_record_that_stands_twice_in_bronze_is_a_fault(writer: LakeWriter) -> None:
    writer.append(SILVER, [silver_row(FIRST)])
    writer.append(BRONZE, [record(0, FIRST), record(0, FIRST)])
    assert proof_of(writer).faults == ("1 Kafka records twice in Bronze",)


def test_no_silver_or_an_empty_one_proves_nothing(tmp_path: Path) -> None:
    for names in ([BRONZE], [SILVER], [SILVER, BRONZE, QUARANTINE]):
        proof = proof_of(LakeWriter(tmp_path / "-".join(names), names))
        assert (proof.complete, proof.trades, proof.faults) == (False, 0, ())
