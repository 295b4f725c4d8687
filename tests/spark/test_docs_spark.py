"""docs/quality.md and docs/gold.md name the rules and constants of the jobs. No JVM starts."""

from decimal import Decimal

from lakehouse.rules import MEANING
from spark_jobs.transforms import gold
from tests.documents import ROOT, table_cells


def rows_of(page: str) -> list[list[str]]:
    return table_cells((ROOT / "docs" / page).read_text(encoding="utf-8"))


def test_every_quality_rule_is_explained_in_its_order() -> None:
    rows = [row for row in rows_of("quality.md") if len(row) == 3 and row[0] != "rule"]
    told = {row[0]: row[1].replace("`", "") for row in rows}
    assert list(told.items()) == list(MEANING.items())
    assert all(all(row) for row in rows), "meaning and reason for each"


def test_the_spike_rule_has_the_constants_that_are_told() -> None:
    told = {row[0]: row[1] for row in rows_of("gold.md") if row[0] in gold.SPIKE_RULE}
    wanted = {name: Decimal(str(value)) for name, value in gold.SPIKE_RULE.items()}
    assert {name: Decimal(value) for name, value in told.items()} == wanted
