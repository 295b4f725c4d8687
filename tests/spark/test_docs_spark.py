"""docs/quality.md and docs/gold.md name the rules and constants of the jobs. No JVM starts."""

from decimal import Decimal

from lakehouse.rules import MEANING
from lakehouse.settings import Settings, load
from spark_jobs.transforms import gold
from tests.documents import ROOT, table_cells


def rows_of(page: str) -> list[list[str]]:
    return table_cells((ROOT / "docs" / page).read_text(encoding="utf-8"))


def test_every_quality_rule_is_explained_in_its_order() -> None:
    rows = [row for row in rows_of("quality.md") if len(row) == 3 and row[0] != "rule"]
    told = {row[0]: row[1].replace("`", "") for row in rows}
    assert list(told.items()) == list(MEANING.items())
    assert all(all(row) for row in rows), "meaning and reason for each"


def test_the_spike_rule_has_the_defaults_that_are_told() -> None:
    defaults = Settings.model_construct().as_env()
    told = {row[0]: row[1] for row in rows_of("gold.md") if row[0].startswith("SPIKE_")}
    assert len(told) == 4
    assert told == {name: defaults[name] for name in told}


def test_a_score_is_counted_in_deviations_exactly() -> None:
    rule = gold.spike_rule(load(_env_file=None))
    assert rule["most_deviations"] == Decimal("8.8956")
