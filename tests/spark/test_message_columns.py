"""The message's fields stand once, in lakehouse/messages.py; what follows them. No JVM starts."""

from lakehouse import messages, rules, tables
from spark_jobs import quality
from spark_jobs.transforms import bronze
from tests import table_docs


def test_bronze_has_a_column_for_each_field_of_the_message() -> None:
    declared = {column.name: column.type for column in table_docs.columns(tables.BRONZE)}
    wanted = messages.columns()
    assert {name: declared.get(name) for name in wanted} == wanted, "docs/schema-evolution.md"
    assert ", ".join(f"{name} {kind}" for name, kind in wanted.items()) == bronze.MESSAGE


def test_each_field_that_must_be_there_has_its_rule() -> None:
    assert messages.required() == quality.REQUIRED
    assert [f"{name}_missing" for name in messages.required()] == [*rules.MISSING]
