"""`firehose rebuild` on the lake of a small simulated run whose Silver lost an hour's beginning."""

import json
from pathlib import Path
from typing import Any

from pyiceberg.catalog.sql import SqlCatalog

from lakehouse import settings, tables
from tests.commands import firehose, nothing_left, query

SPAN = ("--from", "2024-08-08T22:30Z", "--to", "2024-08-08T23:10Z")
LAYERS = {"silver": tables.SILVER, "gold": tables.GOLD}


def rows(folder: Path, data: Path, table: str) -> list[dict[str, Any]]:
    columns = "* EXCLUDE (updated_at)" if table == tables.GOLD else "*"
    return query(folder, data, f"SELECT {columns} FROM lake.market.{table} ORDER BY ALL")


def rebuild(folder: Path, data: Path, layer: str, *words: str) -> list[dict[str, Any]]:
    """The pieces that the command tells of."""
    words = ("rebuild", layer, *SPAN, *words, "--format", "json", "--data-dir", str(data))
    done = firehose(folder, *words, seconds=600)
    assert done.returncode == 0, done.stdout
    told, found = done.stdout.split("{", 1)
    assert "Whole hours are rebuilt: 2024-08-08 22:00Z to 2024-08-09 00:00Z." in told
    pieces: list[dict[str, Any]] = json.loads("{" + found)["pieces"]
    return pieces


def test_what_was_lost_comes_back(tmp_path: Path) -> None:
    data = tmp_path / "lake"
    words = ["run", "--simulate", "--trades", "2000", "--rate", "500", "--until-idle"]
    words += ["--start", "2024-08-08T22:59:57Z", "--data-dir", str(data)]
    done = firehose(tmp_path, *words, seconds=600)
    assert done.returncode == 0, done.stdout
    wanted = {layer: rows(tmp_path, data, table) for layer, table in LAYERS.items()}

    lake = settings.load(_env_file=None, data_dir=data)
    uri = f"sqlite:///{lake.catalog_db}"
    catalog = SqlCatalog(tables.CATALOG, uri=uri, warehouse=lake.warehouse)
    silver = catalog.load_table(f"{tables.NAMESPACE}.{tables.SILVER}")
    silver.delete("event_ts >= '2024-08-08T23:00:00+00:00'")
    lost = len(wanted["silver"]) - len(rows(tmp_path, data, tables.SILVER))
    assert 0 < lost < 2000

    [looked] = rebuild(tmp_path, data, "silver", "--dry-run")
    assert [looked[name] for name in ("read", "added", "changed", "removed")] == [2000, lost, 0, 0]
    [first, second] = rebuild(tmp_path, data, "silver")
    assert first == looked and second["layer"] == "gold"
    assert {layer: rows(tmp_path, data, table) for layer, table in LAYERS.items()} == wanted
    checked = firehose(tmp_path, "verify", "--data-dir", str(data))
    assert checked.returncode == 0, checked.stdout

    again = firehose(tmp_path, "rebuild", "gold", "--data-dir", str(data), *SPAN, seconds=600)
    assert again.returncode == 0 and "All was equal already." in again.stdout, again.stdout
    wrong = firehose(tmp_path, "rebuild", "bronze", "--data-dir", str(data))
    assert wrong.returncode == 2 and "There is no layer bronze" in wrong.stdout
    assert nothing_left(data)
