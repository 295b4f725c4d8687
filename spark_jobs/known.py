"""What a table holds, as ranges of numbers and as of a snapshot: Silver's ids, Bronze's offsets.

They are read once, when a job starts, and kept: whether a row is new is known without a look at
the table, and a batch costs the same however large the table is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pyspark.sql import DataFrame, Row, SparkSession

from lakehouse.id_ranges import IdRanges, Pair
from spark_jobs import bitmaps, snapshots
from spark_jobs.bitmaps import Line
from spark_jobs.snapshot_sources import appended, as_of
from spark_jobs.transforms import ranges


@dataclass
class Known:
    """The numbers of `table` as of the snapshot `as_of`; None: before its first commit.

    `line` and `number` are columns, such as exchange and symbol, and agg_id.
    """

    table: str
    line: tuple[str, ...]
    number: str
    as_of: int | None = None
    _ranges: dict[Line, IdRanges] = field(default_factory=dict)

    def recall(self, spark: SparkSession) -> None:
        """Learn the whole table anew, as it stands now."""
        self._ranges = {}
        self.as_of = snapshots.current_id(snapshots.load(spark, self.table))
        if self.as_of is not None:
            self._read(as_of(spark, self.table, self.as_of))

    def catch_up(self, spark: SparkSession) -> None:
        """Learn what others have added since `as_of`; where more than that happened, all anew."""
        loaded = snapshots.load(spark, self.table)
        newest, since = snapshots.current_id(loaded), self.as_of
        if newest is None or since is None or not snapshots.only_grown(loaded, since):
            self.recall(spark)
        elif newest != since:
            self._read(appended(spark, self.table, since, newest))
            self.as_of = newest

    def of(self, line: Line) -> IdRanges:
        """The known numbers of a line."""
        return self._ranges.get(line, IdRanges())

    def lasts(self) -> Iterable[tuple[Line, int]]:
        """The highest known number of each line."""
        return [
            (line, found.last) for line, found in self._ranges.items() if found.last is not None
        ]

    def learn(self, added: Mapping[Line, Iterable[Pair]], snapshot: int) -> None:
        """Numbers that were added by the commit `snapshot`, which followed on `as_of`."""
        for line, pairs in added.items():
            self._ranges.setdefault(line, IdRanges()).update(pairs)
        self.as_of = snapshot

    def within(self, spark: SparkSession, bounds: Mapping[Line, Pair]) -> DataFrame | None:
        """What is known between the bounds of each line, as `ranges.outside` takes it.

        None where nothing is.
        """
        found = [
            (*line, lo, hi)
            for line, (first, last) in bounds.items()
            for lo, hi in self.of(line).overlapping(first, last)
        ]
        return spark.createDataFrame(found, self._schema(bounds)) if found else None

    def _schema(self, lines: Iterable[Line]) -> str:
        example = next(iter(lines))
        kinds = ["STRING" if isinstance(value, str) else "INT" for value in example]
        columns = [f"{name} {kind}" for name, kind in zip(self.line, kinds, strict=True)]
        return ", ".join([*columns, "from_number BIGINT", "to_number BIGINT"])

    def _read(self, rows: DataFrame) -> None:
        for row in ranges.islands(rows, self.line, self.number).toLocalIterator():
            self._add(row)

    def _add(self, row: Row) -> None:
        known = self._ranges.setdefault(tuple(row[name] for name in self.line), IdRanges())
        known.update(bitmaps.ranges(row["from_block"], row["to_block"], row["bits"]))
