"""Bronze id by id, ids that the exchange itself has not, open gaps; on real Iceberg tables."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lakehouse.commands import Format
from lakehouse.commands.verify import verify
from lakehouse.completeness import Proof, prove
from lakehouse.errors import IncompleteError, SettingsError
from lakehouse.query import Lake
from lakehouse.tables import BRONZE, GAP, QUARANTINE, SILVER
from tests.lakes import MIDNIGHT, PROVED, LakeWriter, Row, record, silver_row

LATER = MIDNIGHT + timedelta(hours=1)
Out = pytest.CaptureFixture[str]


def gap(from_id: int, to_id: int, status: str, reason: str = "") -> Row:
    named = {"exchange": "binance", "symbol": "BTCUSDT", "from_id": from_id, "to_id": to_id}
    return {**named, "status": status, "detected_at": MIDNIGHT, "reason": reason}


def bronze(offset: int, agg_id: int | None, **more: Any) -> Row:
    return record(offset, agg_id, dt_hour=MIDNIGHT, **more)


def proof_of(writer: LakeWriter, strict: bool = False) -> Proof:
    with Lake(writer.settings) as lake:
        return prove(lake, LATER, strict=strict)


@pytest.fixture
def writer(tmp_path: Path) -> LakeWriter:
    return LakeWriter(tmp_path / "lake", [*PROVED, GAP])


def test_ids_that_the_exchange_has_not_are_explained_unless_strict(writer: LakeWriter) -> None:
    writer.append(SILVER, [silver_row(n) for n in (1, 2, 10, 11, 20)])
    # Records that overlap and reach beyond the gap explain each id once.
    absent = [gap(3, 6, "unrepairable", "no such ids"), gap(5, 9, "unrepairable")]
    writer.append(GAP, [*absent, gap(12, 15, "repaired"), gap(16, 25, "unrepairable")])
    proof = proof_of(writer)
    assert (proof.missing, proof.unrepairable) == (15, 11)
    assert [(g.from_id, g.to_id, g.unrepairable) for g in proof.gaps] == [(3, 9, 7), (12, 19, 4)]
    assert proof.gaps[0].reason == "no such ids"
    assert (proof.hours[0].missing, proof.hours[0].unrepairable) == (15, 11)
    assert proof.faults == ("4 ids missing from Silver",)
    assert proof_of(writer, strict=True).faults == ("15 ids missing from Silver",)


def test_a_lake_whose_gaps_are_all_explained_is_complete(
    writer: LakeWriter, tmp_path: Path, capsys: Out
) -> None:
    writer.append(SILVER, [silver_row(n) for n in (1, 4)])
    writer.append(BRONZE, [bronze(0, 1), bronze(1, 4)])
    writer.append(GAP, [gap(2, 3, "unrepairable", "REST has none"), gap(8, 9, "open", "fetching")])
    folder, path = writer.settings.data_path, tmp_path / "m.json"
    verify(data_dir=folder, manifest=path)
    printed = capsys.readouterr().out
    assert "every id exactly once, but for 2 that the exchange itself has not" in printed
    assert "gap of 2: 2..3" in printed
    assert "unrepairable, REST has none" in printed
    assert "open gap: binance BTCUSDT 8..9, since 2024-08-09 00:00:00 UTC (fetching)" in printed
    [missing] = json.loads(path.read_text())["symbols"][0]["hours"][0]["missing"]
    assert missing == {"from_id": 2, "to_id": 3, "unrepairable": True, "reason": "REST has none"}
    with pytest.raises(IncompleteError, match=r"2 ids missing from Silver; 2 ids missing from Br"):
        verify(data_dir=folder, strict=True)


def test_an_open_gap_explains_nothing(writer: LakeWriter) -> None:
    writer.append(SILVER, [silver_row(n) for n in (1, 4)])
    writer.append(GAP, [gap(2, 3, "open")])
    proof = proof_of(writer)
    assert proof.faults == ("2 ids missing from Silver",)
    assert [(g.from_id, g.detected_at) for g in proof.open_gaps] == [(2, MIDNIGHT)]


def test_bronze_is_proved_id_by_id_and_its_replays_are_no_fault(writer: LakeWriter) -> None:
    writer.append(SILVER, [silver_row(n) for n in (1, 2, 3, 4)])
    writer.append(BRONZE, [bronze(offset, n) for offset, n in enumerate((1, 2, 2, 1, 4))])
    proof = proof_of(writer)
    layer = proof.bronze_layer
    assert layer is not None
    assert (layer.trades, layer.missing, layer.duplicates) == (5, 1, 2)
    assert [(hour.hour, hour.trades, hour.missing) for hour in layer.hours] == [(MIDNIGHT, 5, 1)]
    assert [(g.from_id, g.to_id) for g in layer.gaps] == [(3, 3)]
    assert proof.faults == ("1 ids missing from Bronze",)


def test_a_wrong_id_that_was_set_aside_makes_no_gap(writer: LakeWriter) -> None:
    writer.append(SILVER, [silver_row(n) for n in (10, 11)])
    wild = [2**62, -(2**62), 5]
    records = [bronze(offset, n) for offset, n in enumerate([10, 11, *wild])]
    writer.append(BRONZE, [*records, bronze(9, 77, symbol="NOSUCH")])
    writer.append(QUARANTINE, [record(2 + at, n) for at, n in enumerate(wild)])
    writer.append(QUARANTINE, [record(9, 77, symbol="NOSUCH")])
    proof = proof_of(writer)
    assert proof.complete, proof.faults
    assert proof.bronze_layer is not None
    assert [(s.symbol, s.first_id, s.last_id) for s in proof.bronze_layer.symbols] == [
        ("BTCUSDT", 10, 11)
    ]


def test_a_wrong_id_that_nobody_set_aside_is_told_however_wide(writer: LakeWriter) -> None:
    writer.append(SILVER, [silver_row(1)])
    writer.append(BRONZE, [bronze(0, 1), bronze(1, 2**63 - 1), bronze(2, -(2**63))])
    proof = proof_of(writer)
    assert proof.bronze_layer is not None
    assert proof.bronze_layer.symbols[0].missing == 2**63 - 1
    assert len(proof.faults) == 2


def test_records_without_a_time_have_an_hour_of_their_own(writer: LakeWriter, capsys: Out) -> None:
    writer.append(SILVER, [silver_row(1)])
    writer.append(BRONZE, [bronze(0, 1), record(1, 1)])
    verify(Format.json, writer.settings.data_path)
    hours = json.loads(capsys.readouterr().out)["bronze_layer"]["hours"]
    assert [hour["hour"] for hour in hours] == ["2024-08-09T00:00:00Z", None]
    verify(data_dir=writer.settings.data_path)
    assert "time unreadable" in capsys.readouterr().out


def test_only_layers_asked_for_speak(writer: LakeWriter, capsys: Out) -> None:
    writer.append(SILVER, [silver_row(n) for n in (1, 2, 3)])
    writer.append(BRONZE, [bronze(0, 1), bronze(1, 3)])
    folder = writer.settings.data_path
    verify(data_dir=folder, layers="silver")
    assert "Bronze" not in capsys.readouterr().out
    with pytest.raises(IncompleteError, match="1 ids missing from Bronze"):
        verify(data_dir=folder, layers="bronze")
    assert "Completeness of Silver" not in capsys.readouterr().out
    for wrong in ("gold", "", ","):
        with pytest.raises(SettingsError, match="layer"):
            verify(data_dir=folder, layers=wrong)


def test_kafka_of_a_folder_that_has_none_is_told(
    writer: LakeWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    with pytest.raises(SettingsError, match="There is no Kafka in"):
        verify(data_dir=writer.settings.data_path, kafka=True)
