"""Every rule on every kind of value: Spark's conditions against a plain implementation."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.quarantine import SPARK_MARK, Selection
from lakehouse.rules import MISSING, WRONG
from spark_jobs.quality import REQUIRED, RULES, SYMBOL_UNKNOWN, Rules
from spark_jobs.stream import compile_plans
from spark_jobs.transforms import silver
from spark_jobs.transforms.bronze import bronze_rows
from tests import reference_rules, selections
from tests.reference_rules import DAY, YEAR_2010, YEAR_2200
from tests.spark.feeding import KAFKA_SCHEMA

KAFKA_TIME = 1_723_161_600_000_000
KNOWN = ("BTCUSDT", "币安人生USDT", "o'Neil")
# The first value of each is a good one.
_TIMES: list[object] = [
    KAFKA_TIME, YEAR_2010, YEAR_2010 - 1, KAFKA_TIME + DAY, KAFKA_TIME + DAY + 1, YEAR_2200,
    YEAR_2200 + 1, 0, -1, KAFKA_TIME // 1000, KAFKA_TIME * 1000, 2**63 - 1, -(2**63), None, "soon",
]  # fmt: skip
_AMOUNTS: list[object] = [
    "61837.63000000", "0.00000001", "0.000000010", "0.000000001", "0", "0.0", "-0", "-1", "",
    ".", "1.", ".5", "+1", "1e5", "NaN", " 1", "1\n", "1" + "0" * 14, "9" * 15 + ".99999999",
    "1" + "0" * 15, "9" * 40, "999999999", "1000000000", "1000000000.00000001", "１",
    None, True, 5.25, 1e300,
]  # fmt: skip
_IDS: list[object] = [
    5, 0, 6, 1_000_004, 1_000_005, 2_000_000, -1, -(2**63), 2**63 - 1, 2**63, None, "five", 1.5,
]  # fmt: skip
VALUES: Mapping[str, list[object]] = {
    "exchange": ["binance", "x" * 32, "x" * 33, "Binance", "", "b c", "bin\n", None],
    "symbol": [
        "BTCUSDT", "币安人生USDT", "o'Neil", "BTC-USD_T.1/2:3", "", "BTC USDT", "BTCUSDT\n",
        "A" * 64, "A" * 65, "BTC\x1b[31m", "\u202eTDSU", "btcusdt", None,
    ],
    "agg_id": _IDS,
    "price": _AMOUNTS,
    "qty": _AMOUNTS,
    "first_trade_id": _IDS,
    "last_trade_id": _IDS,
    "trade_time": _TIMES,
    "event_time": _TIMES,
    "is_buyer_maker": [True, False, None, "true", 1],
    "ingest_time": _TIMES,
    "source": ["ws", "rest", "archive", "simulated", "WS", "", None],
    "schema_version": [1, 2, 0, None, "1", 2**31],
}  # fmt: skip
GOOD = {name: values[0] for name, values in VALUES.items()}


@pytest.fixture(autouse=True)
def quick(spark: SparkSession) -> None:
    compile_plans(spark, 0)


def messages() -> st.SearchStrategy[dict[str, object]]:
    """Good messages with some values changed: mostly few, so that rules are seen alone as well."""
    changes = {name: st.sampled_from(values) for name, values in VALUES.items()}
    some = st.lists(st.sampled_from(sorted(VALUES)), max_size=4, unique=True)
    drawn = some.flatmap(lambda names: st.fixed_dictionaries({n: changes[n] for n in names}))
    return drawn.map(lambda changed: {**GOOD, **changed})


def judged(
    spark: SparkSession, rows: list[dict[str, Any]], rules: Rules
) -> list[tuple[list[str], bool]]:
    """Of each message the rules that it breaks, and whether Bronze kept its bytes."""
    at = datetime.fromtimestamp(KAFKA_TIME // 1_000_000, UTC)
    values = [
        (None, bytearray(json.dumps(row).encode()), "t", 0, n, at) for n, row in enumerate(rows)
    ]
    records = spark.createDataFrame(values, KAFKA_SCHEMA)
    found = silver.judged(bronze_rows(records, rules), rules).orderBy("kafka_offset")
    kept = found.select("reasons", F.col("raw").isNotNull().alias("kept"))
    return [(row["reasons"], row["kept"]) for row in kept.collect()]


def check(spark: SparkSession, rows: list[dict[str, Any]], known: tuple[str, ...]) -> None:
    wanted = [reference_rules.broken(row, KAFKA_TIME, known) for row in rows]
    found = judged(spark, rows, Rules(known))
    for row, (reasons, kept), names in zip(rows, found, wanted, strict=True):
        assert reasons == names, row
        assert kept == bool(names), row


def one_at_a_time() -> list[dict[str, Any]]:
    changed = [{**GOOD, name: value} for name, values in VALUES.items() for value in values]
    return [{}, {"unknown": 1}, *changed]


@pytest.mark.parametrize("known", [(), KNOWN])
def test_every_value_alone(spark: SparkSession, known: tuple[str, ...]) -> None:
    check(spark, one_at_a_time(), known)


def test_each_rule_is_broken_by_some_value() -> None:
    pairs = [
        {**GOOD, "price": "999999999", "qty": "1000000000.00000001"},
        {**GOOD, "price": "1000000000", "qty": "1000000000"},
        {**GOOD, "first_trade_id": 6, "last_trade_id": 5},
    ]
    rows = [*one_at_a_time(), *pairs]
    seen = {name for row in rows for name in reference_rules.broken(row, KAFKA_TIME, KNOWN)}
    assert seen == {"unreadable", *MISSING, *WRONG}


def test_the_conditions_are_those_that_have_words() -> None:
    assert {*RULES, SYMBOL_UNKNOWN} == {*WRONG}
    assert [f"{name}_missing" for name in REQUIRED] == list(MISSING)
    assert tuple(reference_rules.FIELDS) == REQUIRED


@given(st.lists(messages(), min_size=150, max_size=200))
@settings(
    max_examples=6,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[
        HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)  # fmt: skip
def test_values_together(spark: SparkSession, rows: list[dict[str, Any]]) -> None:
    check(spark, rows, KNOWN)


@given(st.lists(selections.drawn(), min_size=25, max_size=25))
@settings(max_examples=1, phases=[Phase.generate])
def test_a_selection_means_the_same_in_spark(spark: SparkSession, chosen: list[Selection]) -> None:
    types = (
        "kafka_topic STRING, kafka_partition INT, kafka_offset BIGINT, symbol STRING, "
        "reasons ARRAY<STRING>, quarantined_at TIMESTAMP, released_at TIMESTAMP, raw BINARY"
    )
    rows = [tuple(row.values()) for row in selections.held_rows()]
    spark.createDataFrame(rows, types).localCheckpoint().createOrReplaceTempView("held")
    for each in chosen:
        text, values = each.condition(SPARK_MARK)
        found = spark.sql(f"SELECT kafka_offset FROM held WHERE {text}", args=values).collect()
        assert sorted(row[0] for row in found) == selections.wanted(each), each
