"""Numbers of a table (ids, offsets) as blocks of 64 bits, and rows held against known ranges.

Ids and offsets rise by one, so what a table holds of them is a handful of ranges. Blocks are
grouped by hash: no sort of all rows, and 64 numbers become one.
"""

from collections.abc import Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs import bitmaps


def block(number: str) -> str:
    """The block of a number, as an SQL expression; so is `bits`."""
    return f"shiftright({number}, 6)"


def bits(number: str) -> str:
    """The numbers of a block, as a bitmap (spark_jobs/bitmaps.py)."""
    return f"bit_or(shiftleft(1L, CAST({number} & 63 AS INT)))"


def islands(rows: DataFrame, line: Sequence[str], number: str) -> DataFrame:
    """The numbers of each line: its columns, `from_block`, `to_block` and `bits`.

    Full blocks in a row are one row; every other block is a row of its own.
    """
    blocks = rows.groupBy(*line, F.expr(block(number)).alias("block")).agg(
        F.expr(bits(number)).alias("bits")
    )
    full = F.col("bits") == bitmaps.FULL
    place = F.row_number().over(Window.partitionBy(*line, full).orderBy("block"))
    marked = blocks.withColumn("island", F.when(full, F.col("block") - place))
    alone = F.when(~full, F.col("block"))
    return marked.groupBy(*line, "island", alone.alias("alone")).agg(
        F.min("block").alias("from_block"),
        F.max("block").alias("to_block"),
        F.min("bits").alias("bits"),
    )


def outside(rows: DataFrame, known: DataFrame, line: Sequence[str], number: str) -> DataFrame:
    """Rows whose number is in none of the `known` ranges (line, from_number, to_number)."""
    return _joined(rows, known, line, number, "left_anti")


def inside(rows: DataFrame, known: DataFrame, line: Sequence[str], number: str) -> DataFrame:
    """Rows whose number is in one of them."""
    return _joined(rows, known, line, number, "left_semi")


def _joined(
    rows: DataFrame, known: DataFrame, line: Sequence[str], number: str, how: str
) -> DataFrame:
    same = F.col(f"r.{number}").between(F.col("known.from_number"), F.col("known.to_number"))
    for name in line:
        same = same & (F.col(f"r.{name}") == F.col(f"known.{name}"))
    return rows.alias("r").join(F.broadcast(known.alias("known")), same, how)
