"""Migrations on real tables: in order, once, through crashes and beside others."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse import migrations, tables
from lakehouse.errors import SettingsError
from spark_jobs import session
from spark_jobs.schema_changes import SchemaChange
from tests.spark.migrating import PREVIOUS, drop_all, make_previous, records, shape, version

GAP = tables.full_name(tables.GAP)
ADD = f"ALTER TABLE {GAP} ADD COLUMN note STRING COMMENT 'one; two' AFTER reason;"
WIDEN = f"ALTER TABLE {GAP} ALTER COLUMN kafka_partition TYPE BIGINT;"
RENAME = f"ALTER TABLE {GAP} RENAME COLUMN repaired_from TO repaired_by;"
NEXT = {"0001_note.sql": ADD, "0002_wide.sql": f"-- a comment; with an end\n{WIDEN}\n{RENAME}\n"}
NEW_LAKE = [(each.number, each.name, "baseline") for each in migrations.load()]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lakes of two tables are made and migrated in a third of the time."""
    monkeypatch.setattr(tables, "ALL", (tables.GAP, tables.AUDIT, tables.MIGRATION))


def columns(spark: SparkSession) -> dict[str, str]:
    return {name: kind for name, kind, _, _ in shape(spark, tables.GAP).columns}


def test_the_tables_of_the_release_before_and_all_migrations_are_the_tables_of_today(
    spark: SparkSession,
) -> None:
    make_previous(spark)
    session.create_tables(spark)
    migrated = {table: shape(spark, table) for table in tables.ALL}
    assert records(spark) == [(number, name, "applied") for number, name, _ in NEW_LAKE]
    drop_all(spark)
    session.create_tables(spark)
    for table in tables.ALL:
        assert migrated[table] == shape(spark, table), (
            f"sql/{table}/table.sql says otherwise than what an older lake becomes: a change of a "
            "table.sql needs a migration in sql/migrations that does the same to the tables that "
            "there are (docs/schema-evolution.md)"
        )


def test_every_table_of_the_release_before_is_in_the_comparison() -> None:
    since = {tables.SPIKE, tables.SUMMARY, tables.MIGRATION}
    assert {path.stem for path in PREVIOUS.glob("*.sql")} == {*tables.ALL} - since


def test_every_statement_can_be_understood(spark: SparkSession) -> None:
    for migration in migrations.load():
        assert migration.statements, migration
        for text in migration.statements:
            assert SchemaChange(spark, text).table.removeprefix("lake.market.") in tables.ALL


def test_a_new_lake_contains_all_and_runs_none(
    spark: SparkSession, small: None, tmp_path: Path
) -> None:
    drop_all(spark)
    with version(tmp_path, {"0001_x.sql": f"ALTER TABLE {GAP} DROP COLUMN reason;"}):
        outcome = session.create_tables(spark)
        assert outcome.made and not outcome.applied
        assert records(spark) == [(1, "x", "baseline")]
        assert "reason" in columns(spark)
        again = session.create_tables(spark)
        assert not again.made and not again.applied


def test_a_start_cut_short_before_the_tables_leaves_a_lake_that_is_new(
    spark: SparkSession, small: None
) -> None:
    for made in ([], [tables.ddl(tables.MIGRATION)]):
        drop_all(spark)
        for statement in made:
            spark.sql(statement)
        assert session.create_tables(spark).made
        assert records(spark) == NEW_LAKE
    spark.sql(f"DROP TABLE {GAP} PURGE")
    assert not session.create_tables(spark).made
    assert records(spark) == NEW_LAKE and columns(spark)


def test_an_older_lake_takes_what_it_lacks_in_order_and_once(
    spark: SparkSession, small: None, tmp_path: Path
) -> None:
    first = {"0001_note.sql": ADD}
    with version(tmp_path / "1", first):
        make_previous(spark)
        assert [str(each) for each in session.create_tables(spark).applied] == ["0001_note"]
    with version(tmp_path / "2", NEXT):
        assert [str(each) for each in session.create_tables(spark).applied] == ["0002_wide"]
        assert session.create_tables(spark).applied == ()
        assert records(spark) == [(1, "note", "applied"), (2, "wide", "applied")]
    names = list(columns(spark))
    assert names.index("note") == names.index("reason") + 1
    assert columns(spark)["kafka_partition"] == "bigint"
    assert "repaired_by" in names and "repaired_from" not in names
    assert ("note", "string", True, "one; two") in shape(spark, tables.GAP).columns


@pytest.mark.parametrize("done", range(4))
def test_a_kill_between_a_statement_and_its_record_is_survived(
    spark: SparkSession, small: None, tmp_path: Path, done: int
) -> None:
    make_previous(spark)
    for statement in (ADD, WIDEN, RENAME)[:done]:
        spark.sql(statement.rstrip(";"))
    with version(tmp_path, NEXT):
        session.create_tables(spark)
        assert [number for number, _, _ in records(spark)] == [1, 2]
    assert {"note": "string", "kafka_partition": "bigint", "repaired_by": "string"}.items() <= (
        columns(spark).items()
    )


def test_columns_and_partitions_are_dropped_added_and_replaced_once(
    spark: SparkSession, small: None
) -> None:
    changes = [
        f"ALTER TABLE {GAP} DROP COLUMN reason",
        f"ALTER TABLE {GAP} ADD PARTITION FIELD days(updated_at)",
        f"ALTER TABLE {GAP} REPLACE PARTITION FIELD days(detected_at) WITH hours(detected_at)",
        f"ALTER TABLE {GAP} DROP PARTITION FIELD days(updated_at)",
        f"ALTER TABLE {GAP} SET TBLPROPERTIES ('commit.retry.num-retries' = '5')",
        f"COMMENT ON TABLE {GAP} IS 'gaps'",
    ]
    make_previous(spark)
    for text in changes:
        SchemaChange(spark, text).apply()
        SchemaChange(spark, text).apply()
    found = shape(spark, tables.GAP)
    assert "reason" not in columns(spark)
    assert found.partitions == ["hours(detected_at)"]
    assert found.comment == "gaps"
    assert found.properties["commit.retry.num-retries"] == "5"


def test_a_column_that_somebody_made_otherwise_is_told(
    spark: SparkSession, small: None, tmp_path: Path
) -> None:
    make_previous(spark)
    spark.sql(f"ALTER TABLE {GAP} ADD COLUMN note BIGINT")
    with version(tmp_path, NEXT):
        with pytest.raises(SettingsError, match="has a column note already: it is bigint"):
            session.create_tables(spark)
        assert records(spark) == []


def test_what_is_no_change_of_a_table_is_refused_before_anything_is_written(
    spark: SparkSession, small: None, tmp_path: Path
) -> None:
    make_previous(spark)
    wrong = (f"DELETE FROM {GAP}", "ALTER TABLE oh dear", "ALTER TABLE ops_gap DROP COLUMN reason")
    for number, text in enumerate(wrong):
        with version(tmp_path / str(number), {"0001_x.sql": f"{ADD}\n{text};"}):
            with pytest.raises(SettingsError):
                session.create_tables(spark)
            assert "note" not in columns(spark)
            assert not spark.catalog.tableExists(tables.full_name(tables.MIGRATION))


def test_a_lake_of_a_newer_version_and_a_changed_migration_are_left_alone(
    spark: SparkSession, small: None, tmp_path: Path
) -> None:
    make_previous(spark)
    with version(tmp_path / "newer", NEXT):
        session.create_tables(spark)
    before = spark.sql("SHOW TABLES IN lake.market").collect()
    spark.sql(f"DROP TABLE {tables.full_name(tables.AUDIT)} PURGE")
    changed = {"0001_note.sql": ADD.replace("two", "three"), "0002_wide.sql": NEXT["0002_wide.sql"]}
    for number, (files, words) in enumerate(
        [({"0001_note.sql": ADD}, "newer version"), (changed, "0001_note was changed after")]
    ):
        with version(tmp_path / str(number), files), pytest.raises(SettingsError, match=words):
            session.create_tables(spark)
    assert len(spark.sql("SHOW TABLES IN lake.market").collect()) == len(before) - 1


def test_applications_that_start_at_once_apply_each_once(
    spark: SparkSession, small: None, tmp_path: Path
) -> None:
    def start(_: int) -> int:
        return len(session.create_tables(spark).applied)

    for prepare in (make_previous, drop_all):
        prepare(spark)
        folder = tmp_path / prepare.__name__
        with version(folder, NEXT), ThreadPoolExecutor(3) as pool:
            assert all(count in (0, 1, 2) for count in pool.map(start, range(3)))
            assert [number for number, _, _ in records(spark)] == [1, 2]
