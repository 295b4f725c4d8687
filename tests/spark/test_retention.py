"""Retention of Bronze and ops_audit: what goes, what stays, and that every proof still holds."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from pyspark.sql import SparkSession

from lakehouse import tables
from lakehouse.checks.catalogue import all_checks
from lakehouse.checks.runner import Bounds, look
from lakehouse.completeness import Bronze, prove
from lakehouse.query import Lake
from lakehouse.settings import Settings
from lakehouse.spans import Span
from lakehouse.trade import Trade
from spark_jobs import snapshots
from spark_jobs.rebuild import Rebuild
from spark_jobs.rebuild_quarantine import settled_bronze
from tests.spark.feeding import feed_bronze
from tests.spark.maintaining import at_once, content, follow, maintained
from tests.spark.test_streams import START, encoded, trade

DAY = 86_400_000_000
OLD = datetime(2024, 8, 12, tzinfo=UTC)
BRONZE, AUDIT = (tables.full_name(each) for each in (tables.BRONZE, tables.AUDIT))
RETENTION = [tables.BRONZE, tables.AUDIT], ["retention"]


class Feed:
    """Commits of Bronze, one after the other."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark, self._offset, self._batch = spark, 0, 0

    def put(self, trades: Sequence[Trade], at: datetime | None = None) -> None:
        """One commit of records that came at a time, by default now."""
        feed_bronze(self._spark, encoded(trades), self._offset, self._batch, at=at)
        self._offset, self._batch = self._offset + len(trades), self._batch + 1


@pytest.fixture
def settings(spark: SparkSession, lake: Settings) -> Settings:
    """With the session's catalog, so that DuckDB finds the tables, and short retention."""
    warehouse = str(spark.conf.get("spark.sql.catalog.lake.warehouse"))
    catalog = warehouse.removeprefix("file://").replace("/warehouse", "/catalog.db")
    return at_once(
        lake,
        lake_catalog_uri=f"sqlite:///{catalog}",
        lake_warehouse=warehouse,
        bronze_retention_days=30,
        audit_retention_days=30,
    )


def failing(settings: Settings) -> set[str]:
    """The checks that do not pass, of all rows."""
    bounds = Bounds.of(settings, datetime.now(UTC), None)
    found = look(settings, all_checks(), bounds)
    assert found.left_out == ()
    # The tests stop streams in between, and reject more than a market would.
    usual = {"quarantine_few", "silver_ids_unbroken", "gold_minutes_final"}
    return {each.check.name for each in found.results if not each.passed} - usual


def proved(settings: Settings) -> tuple[tuple[str, ...], Bronze]:
    """What speaks against the lake, and Bronze's part of the proof."""
    with Lake(settings) as lake:
        proof = prove(lake, datetime.now(UTC))
    assert proof.bronze is not None
    return proof.faults, proof.bronze


def test_old_days_go_and_every_proof_holds(spark: SparkSession, settings: Settings) -> None:
    feed, now = Feed(spark), int(datetime.now(UTC).timestamp()) * 1_000_000
    feed.put([trade(n, START + n * 1_800_000_000) for n in range(10)], OLD)
    feed.put([trade(3, START, price="-1"), trade(10, START + DAY)], OLD)  # one is rejected
    follow(spark, settings)
    feed.put([trade(4, START + 4 * 1_800_000_000)], OLD)  # once more, and not read yet
    assert maintained(spark, settings, *RETENTION)[tables.BRONZE, "retention"].did == {
        "rows": 0, "days": 0, "files": 0, "held": "2 days wait for their reader",
    }  # fmt: skip
    feed.put([trade(11, START + DAY)])  # an old trade that came today
    feed.put([trade(n, now + n) for n in range(12, 16)])
    follow(spark, settings)
    assert (proved(settings)[0], failing(settings)) == ((), set())
    silver = content(spark, tables.SILVER)
    looked = maintained(spark, settings, *RETENTION, dry_run=True)[tables.BRONZE, "retention"]
    assert (looked.did["rows"], looked.did["days"]) == (12, 1)
    assert spark.table(BRONZE).count() == 18
    maintained(spark, settings, *RETENTION)
    left = sorted(row["agg_id"] for row in spark.table(BRONZE).collect())
    assert left == [10, 11, 12, 13, 14, 15], "of the second day one came today"
    summary = dict(snapshots.load(spark, tables.BRONZE).currentSnapshot().summary())
    assert (summary["deleted-records"], summary.get("added-data-files")) == ("12", None)

    faults, bronze = proved(settings)
    assert (faults, bronze.removed, failing(settings)) == ((), 12, set())
    at = snapshots.current_id(snapshots.load(spark, tables.BRONZE))
    assert settled_bronze(spark, at) == at
    half_of_the_audit_is_old(spark)
    done = maintained(spark, settings, *RETENTION)[tables.AUDIT, "retention"].did
    assert done["rows"] > 0 and spark.table(AUDIT).where("started_at < '2025-01-01'").isEmpty()
    assert failing(settings) == set()
    assert settled_bronze(spark, at) == at

    feed.put([trade(16, now + 16), trade(2, START, "101.5")])  # an id of an old day once more
    follow(spark, settings)
    assert (proved(settings)[0], failing(settings)) == ((), set())
    everything = content(spark, tables.SILVER)
    Rebuild(spark, settings, Span(None, None)).run("silver")
    assert content(spark, tables.SILVER) == everything
    assert len(everything) == 17 and set(silver) < set(everything)

    maintained(spark, settings, [tables.BRONZE], ["expire"])
    assert (proved(settings)[0], failing(settings)) == ((), set())
    forget(spark)
    assert proved(settings)[0] == ("7 ids missing from Bronze",)
    assert failing(settings) == {
        "audit_bronze_is_read", "silver_from_bronze", "quarantine_from_bronze",
        "bronze_offsets_unbroken",
    }  # fmt: skip


def half_of_the_audit_is_old(spark: SparkSession) -> None:
    spark.sql(f"UPDATE {AUDIT} SET started_at = started_at - INTERVAL 900 DAYS WHERE batch_id = 0")


def forget(spark: SparkSession) -> None:
    """As if nobody had noted what went of Bronze."""
    noted = snapshots.removed(snapshots.load(spark, tables.BRONZE)).properties
    names = ", ".join(f"'{each}'" for each in noted)
    spark.sql(f"ALTER TABLE {BRONZE} UNSET TBLPROPERTIES ({names})")
