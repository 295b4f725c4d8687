"""recipes/: each is run as its reader runs it, on an embedded lake or one behind S3 and REST."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError, RESTError

from lakehouse import settings as settings_module
from lakehouse import tables
from lakehouse.catalog import rest_catalog
from lakehouse.settings import Settings
from tests.commands import query
from tests.gold_lakes import gold_row
from tests.lakes import LakeWriter, add_table, append, create_tables, silver_row
from tests.seaweed import lake_there, reading, running_seaweed

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
NAMES = (tables.SILVER, tables.GOLD, tables.AUDIT)
TRADES = [
    *(silver_row(number, minutes=number) for number in range(55, 65)),
    silver_row(7, "ETHUSDT"),
]


@pytest.fixture(scope="module")
def rest_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings of a lake on S3 with a REST catalog, for a user that may only read."""
    folder = tmp_path_factory.mktemp("seaweed")
    with running_seaweed(folder, with_reader=True) as server:
        there = reading(server)
        catalog = rest_catalog(settings_of(lake_there(server)))
        create_tables(catalog, NAMES)
        append(catalog, tables.SILVER, TRADES)
        yield there


def settings_of(env: Mapping[str, str]) -> Settings:
    given = {name.lower(): value for name, value in env.items()}
    return settings_module.load(_env_file=None, **given)


def told(env: Mapping[str, str], name: str, *words: str) -> str:
    command = [sys.executable, str(RECIPES / name), *words]
    clean = {key: value for key, value in os.environ.items() if key not in _SETTINGS}
    done = subprocess.run(
        command, env={**clean, **env}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def tour() -> NotebookNode:
    found: NotebookNode = nbformat.read(RECIPES / "tour.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    return found


_SETTINGS = {name.upper() for name in Settings.model_fields}


def test_duckdb_alone_reads_through_the_rest_catalog(rest_lake: dict[str, str]) -> None:
    assert re.search(r"BTCUSDT.*10.*55.*64.*12367\.526", told(rest_lake, "duckdb_rest.py"))
    question = "SELECT count(*) AS n FROM lake.market.crypto_silver_trades WHERE agg_id < 60"
    assert re.search(r"│\s+6\s+│", told(rest_lake, "duckdb_rest.py", question))


def test_a_user_that_reads_can_ask_and_change_nothing(
    rest_lake: dict[str, str], tmp_path: Path
) -> None:
    count = "SELECT count(*) AS n FROM crypto_silver_trades"
    assert query(tmp_path, tmp_path, count, rest_lake) == [{"n": len(TRADES)}]
    catalog = rest_catalog(settings_of(rest_lake))
    table = f"{tables.NAMESPACE}.{tables.SILVER}"
    attempts: list[Callable[[], object]] = [
        lambda: append(catalog, tables.SILVER, TRADES),
        lambda: catalog.load_table(table).transaction().set_properties(a="b").commit_transaction(),
        lambda: add_table(catalog, tables.BRONZE),
        lambda: catalog.drop_table(table),
        lambda: catalog.update_namespace_properties(tables.NAMESPACE, updates={"a": "b"}),
        lambda: catalog.load_table(table).io.delete(catalog.load_table(table).metadata_location),
    ]
    for attempt in attempts:
        with pytest.raises((OSError, RESTError, NoSuchTableError, NoSuchNamespaceError)):
            attempt()
    assert query(tmp_path, tmp_path, count, rest_lake) == [{"n": len(TRADES)}]


def test_pyiceberg_sums_the_newest_hour_exactly(rest_lake: dict[str, str]) -> None:
    shown = told(rest_lake, "pyiceberg_arrow.py")
    assert "binance BTCUSDT: 5 trades, VWAP 61837.63000000" in shown
    assert "ETHUSDT" not in shown, "its trade is of the hour before"
    assert "11 trades added" in shown


def test_pyiceberg_reads_the_embedded_lake(tmp_path: Path) -> None:
    LakeWriter(tmp_path, NAMES).append(tables.SILVER, TRADES)
    assert "BTCUSDT: 5 trades" in told({"DATA_DIR": str(tmp_path)}, "pyiceberg_arrow.py")


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = LakeWriter(tmp_path / "lake", NAMES)
    writer.append(tables.SILVER, [silver_row(1), silver_row(2), silver_row(2), silver_row(4)])
    writer.append(tables.GOLD, [gold_row(n, price=str(100 + n), spike=n == 3) for n in range(5)])
    at = writer.settings.data_path
    for name in _SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(at))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "matplotlib"))
    monkeypatch.chdir(RECIPES.parent)
    notebook = tour()
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(output.get("text", "") for output in outputs)
    assert "BTCUSDT: 4 trades, 1 missing, 1 twice" in printed
    assert "5 minutes, VWAP" in printed
    assert any("image/png" in output.get("data", {}) for output in outputs)


def test_the_notebook_is_kept_without_results() -> None:
    notebook = tour()
    assert not any(cell.get("outputs") for cell in notebook.cells)


def test_trinos_catalog_names_settings_that_are() -> None:
    named = re.findall(r"\$\{ENV:(\w+)\}", (RECIPES / "trino/lake.properties").read_text("utf-8"))
    assert named and set(named) <= _SETTINGS
