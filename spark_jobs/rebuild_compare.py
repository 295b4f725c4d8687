"""Two sets of rows, compared by key: what would be added, changed, removed, and in which hours."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_COUNT = "firehose_copies"


@dataclass(frozen=True)
class Difference:
    """Rows to be added, changed and removed, and the hours (since 1970) that they are in."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    hours: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.hours)

    def __add__(self, other: "Difference") -> "Difference":
        """Both, one after the other."""
        return Difference(
            self.added + other.added,
            self.changed + other.changed,
            self.removed + other.removed,
            self.hours | other.hours,
        )


def difference(standing: DataFrame, wanted: DataFrame, key: Sequence[str], time: str) -> Difference:
    """What makes `standing` into `wanted`, whose columns are the same in any order.

    A key may stand several times in `standing`: all but one of its rows are removed. `time` names
    the timestamp whose hours are told.
    """
    columns = wanted.columns
    both = wanted.withColumn(_COUNT, F.lit(1)).unionByName(
        standing.select(*columns).withColumn(_COUNT, F.lit(-1))
    )
    unequal = both.groupBy(*columns).agg(F.sum(_COUNT).alias(_COUNT)).where(F.col(_COUNT) != 0)
    # Materialised once: two questions are asked of it, and a rebuild is mostly about few rows.
    unequal = unequal.select(*dict.fromkeys([*key, time]), _COUNT).localCheckpoint()
    return _summed(unequal, key, time)


def _summed(unequal: DataFrame, key: Sequence[str], time: str) -> Difference:
    hour = F.expr(f"unix_seconds({time}) div 3600").alias("hour")
    hours = frozenset(row["hour"] for row in unequal.select(hour).distinct().collect())
    if not hours:
        return Difference()
    more, fewer = F.col("more"), F.col("fewer")
    by_key = unequal.groupBy(*key).agg(
        F.sum(F.greatest(F.col(_COUNT), F.lit(0))).alias("more"),
        F.sum(F.greatest(-F.col(_COUNT), F.lit(0))).alias("fewer"),
    )
    [sums] = by_key.agg(
        F.sum(F.greatest(more - fewer, F.lit(0))).alias("added"),
        F.sum(F.least(more, fewer)).alias("changed"),
        F.sum(F.greatest(fewer - more, F.lit(0))).alias("removed"),
    ).collect()
    return Difference(sums["added"], sums["changed"], sums["removed"], hours)
