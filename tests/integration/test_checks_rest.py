"""Checks of a lake on S3 and a REST catalog: looked at, and put on record beside other writers."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from lakehouse import settings as settings_module
from lakehouse import tables
from lakehouse.catalog import rest_catalog
from lakehouse.checks import record
from lakehouse.checks.catalogue import chosen
from lakehouse.checks.runner import Bounds, look
from lakehouse.query import Lake
from lakehouse.tables import AUDIT, BRONZE, GAP, QUARANTINE, SILVER
from tests.checked_lake import NOW, good_rows, write_checkpoint
from tests.lakes import append, create_tables
from tests.seaweed import lake_there, running_seaweed

WRITERS = 3


def test_results_of_several_writers_are_all_on_record(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    with running_seaweed(tmp_path) as server:
        there = {name.lower(): value for name, value in lake_there(server).items()}
        settings = settings_module.load(_env_file=None, data_dir=tmp_path, **there)
        catalog = rest_catalog(settings)
        create_tables(catalog, [BRONZE, SILVER, QUARANTINE, GAP, AUDIT])
        append(catalog, BRONZE, good_rows()[BRONZE])
        snapshot = catalog.load_table(f"{tables.NAMESPACE}.{BRONZE}").current_snapshot()
        assert snapshot is not None
        bounds = replace(Bounds.of(settings, NOW, None), full=False)
        for files, lost in ((0, 0), (1, len(good_rows()[BRONZE]))):  # not read yet, read
            write_checkpoint(settings, SILVER, snapshot.snapshot_id, files)
            [result] = look(settings, chosen(["silver_complete"]), bounds).results
            assert result.rows == lost
        wrong = {**good_rows()[GAP][0], "from_id": 99, "updated_at": now}
        append(catalog, GAP, [wrong])
        found = look(settings, chosen([GAP]), replace(Bounds.of(settings, now, None), full=False))
        assert [result.check.name for result in found.failed] == ["gap_range_right"]
        with ThreadPoolExecutor(WRITERS) as pool:
            list(
                pool.map(
                    lambda number: record.record(
                        settings, f"{record.SERVICE}{number}", 1, found.results
                    ),
                    range(WRITERS),
                )
            )
        with Lake(settings) as lake:
            [count] = lake.rows(f"SELECT count(*) AS n FROM {tables.full_name(AUDIT)}")
            assert count["n"] == WRITERS * len(found.results)
            last = record.recall(lake, record.SERVICE, now)[found.failed[0].check.job]
            assert (last.status, last.passed_at) == ("failed", None)
