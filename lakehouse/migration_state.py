"""How a lake stands to the migrations of this version, read without Spark."""

from lakehouse import migrations, tables
from lakehouse.migrations import Record, Standing
from lakehouse.query import Lake
from lakehouse.settings import Settings

_RECORDS = f"SELECT number, name, sha256 FROM {tables.full_name(tables.MIGRATION)}"


def standing(settings: Settings) -> Standing:
    """What the lake lacks, has otherwise or has beyond; nothing is started or written.

    SettingsError where there is no lake yet, UnreachableError where it does not answer.
    """
    known = migrations.load()
    with Lake(settings) as lake:
        # A lake from before there were migrations holds none.
        recorded = lake.rows(_RECORDS) if tables.MIGRATION in lake.tables else []
    return migrations.compare(known, (Record(**row) for row in recorded))
