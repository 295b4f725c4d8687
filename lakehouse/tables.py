"""The tables of the lake and their statements, read from `sql/<table>/<statement>.sql`.

Each statement stands once; its path is its name. `{source}` in a statement names the view that
its rows come from; values are bound with `:name`.
"""

from functools import cache
from pathlib import Path

from lakehouse.errors import SettingsError

CATALOG = "lake"
NAMESPACE = "market"
BRONZE = "crypto_bronze_aggtrade"
SILVER = "crypto_silver_trades"
QUARANTINE = "crypto_quarantine"
GOLD = "crypto_gold_minute"
AUDIT = "ops_audit"
GAP = "ops_gap"
SPIKE = "ops_spike"
SUMMARY = "ops_summary"
MIGRATION = "ops_migration"
ALL = (BRONZE, SILVER, QUARANTINE, GOLD, AUDIT, GAP, SPIKE, SUMMARY, MIGRATION)

# How ops_audit names the job of a check: check:TABLE.NAME.
CHECK = "check:"

SQL = Path(__file__).resolve().parent.parent / "sql"


def full_name(table: str) -> str:
    """`lake.market.<table>`."""
    return f"{CATALOG}.{NAMESPACE}.{table}"


@cache
def statement(table: str, name: str) -> str:
    """The text of `sql/<table>/<name>.sql`."""
    path = SQL / table / f"{name}.sql"
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"There is no statement {path}.", "Reinstall the project.") from None


def ddl(table: str) -> str:
    """The CREATE TABLE IF NOT EXISTS of a table as it is today; older lakes: migrations.py."""
    return statement(table, "table")
