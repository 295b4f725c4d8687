"""One statement of a migration: is it done already, and doing it.

A crash may fall between a statement and the record of its migration, and two applications may
migrate at once: so a statement that the table already shows the result of is passed over. Spark's
own parser says what a statement is.
"""

import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from pyspark.errors import AnalysisException, IllegalArgumentException, ParseException
from pyspark.sql import SparkSession

from lakehouse import tables
from lakehouse.errors import SettingsError, UnreachableError
from lakehouse.migrations import RULES
from spark_jobs.faults import causes, reason

_TRIES: Final = 10
_PAUSE_SECONDS: Final = 0.5
_OURS: Final = tables.full_name("")
# What no second try would mend; anything else may be a catalog that is away for a moment.
_WRONG: Final = (AnalysisException, IllegalArgumentException)
log = structlog.get_logger(__name__)


class SchemaChange:
    """A parsed statement; SettingsError where it is none that may be run twice."""

    def __init__(self, spark: SparkSession, text: str) -> None:
        self.text = text
        self._spark = spark
        self._plan = _parsed(spark, text)
        self._kind: str = self._plan.getClass().getSimpleName()
        if self._kind not in _DONE or not self.table.startswith(_OURS):
            raise SettingsError(f"A migration can't hold `{_short(text)}`.", RULES)

    @property
    def table(self) -> str:
        """The table that it changes, catalog and namespace included."""
        table = self._plan.table()
        parts = table if "Field" in self._kind else table.multipartIdentifier()
        return ".".join(_listed(parts))

    def done(self) -> bool:
        """Whether the table shows the result already; SettingsError where it shows another."""
        return _DONE[self._kind](self._plan, _Columns(self._spark, self.table))

    def apply(self) -> None:
        """Run it unless it is done; tried again where another writer committed in between."""
        for attempt in range(1, _TRIES + 1):
            if self.done() or self._run():
                return
            log.info("schema_change_again", statement=_short(self.text), attempt=attempt)
            time.sleep(_PAUSE_SECONDS * attempt)
        raise UnreachableError(
            f"`{_short(self.text)}` met other writers of the table {_TRIES} times.",
            "Stop the other applications, then start again.",
        )

    def _run(self) -> bool:
        """Whether it is done now; false where another commit came in between."""
        try:
            self._spark.sql(self.text)
            return True
        except Exception as error:
            if _conflict(error) or self.done():  # done by another application meanwhile
                return False
            if isinstance(error, _WRONG):
                raise _refused(self.text, error) from None
            raise


class _Columns:
    """What a table looks like at this moment."""

    def __init__(self, spark: SparkSession, table: str) -> None:
        self._spark = spark
        self.table = table
        # Column → type, as in `decimal(28,8)`.
        self.types = {
            field.name: field.dataType.simpleString() for field in spark.table(table).schema.fields
        }

    def partitions(self) -> set[str]:
        """The partition fields, as in `days(event_ts)`."""
        jvm: Any = self._spark._jvm
        util = jvm.org.apache.iceberg.spark.Spark3Util
        loaded = util.loadIcebergTable(self._spark._jsparkSession, self.table)
        return {transform.toString() for transform in util.toTransforms(loaded.spec())}


def _added(plan: Any, columns: _Columns) -> bool:
    wanted = {
        column.colName(): column.dataType().catalogString()
        for column in _listed(plan.columnsToAdd())
        if _top_level(column.path().isEmpty())
    }
    there = {name: columns.types[name] for name in wanted if name in columns.types}
    wrong = [name for name, kind in there.items() if kind != wanted[name]]
    if wrong or 0 < len(there) < len(wanted):
        name = wrong[0] if wrong else next(iter(there))
        raise SettingsError(
            f"{columns.table} has a column {name} already: it is {there[name]}, and the migration "
            f"adds {', '.join(f'{name} {kind}' for name, kind in wanted.items())}.",
            "Somebody else made it: rename or drop that one, then start again.",
        )
    return bool(there)


def _renamed(plan: Any, columns: _Columns) -> bool:
    return _name(plan.column()) not in columns.types and plan.newName() in columns.types


def _dropped(plan: Any, columns: _Columns) -> bool:
    return not {_name(column) for column in _listed(plan.columnsToDrop())} & columns.types.keys()


def _field_added(plan: Any, columns: _Columns) -> bool:
    return plan.transform().toString() in columns.partitions()


def _field_dropped(plan: Any, columns: _Columns) -> bool:
    return plan.transform().toString() not in columns.partitions()


def _field_replaced(plan: Any, columns: _Columns) -> bool:
    there = columns.partitions()
    return plan.transformTo().toString() in there and plan.transformFrom().toString() not in there


def _repeatable(_plan: Any, _columns: _Columns) -> bool:
    """Comments, properties, wider types: doing it again changes nothing."""
    return False


_DONE: Final[dict[str, Callable[[Any, _Columns], bool]]] = {
    "AddColumns": _added,
    "RenameColumn": _renamed,
    "DropColumns": _dropped,
    "AlterColumns": _repeatable,
    "CommentOnTable": _repeatable,
    "SetTableProperties": _repeatable,
    "UnsetTableProperties": _repeatable,
    "AddPartitionField": _field_added,
    "DropPartitionField": _field_dropped,
    "ReplacePartitionField": _field_replaced,
}


def _parsed(spark: SparkSession, text: str) -> Any:
    session: Any = spark._jsparkSession
    try:
        return session.sessionState().sqlParser().parsePlan(text)
    except ParseException as error:
        raise _refused(text, error) from None


def _listed(sequence: Any) -> list[Any]:
    """A Scala sequence as a list."""
    return [sequence.apply(index) for index in range(sequence.size())]


def _name(field: Any) -> str:
    parts = _listed(field.name())
    _top_level(len(parts) == 1)
    return str(parts[0])


def _top_level(is_top_level: bool) -> bool:
    if not is_top_level:
        raise SettingsError("A migration can't change a field within a column.", RULES)
    return True


def _conflict(error: Exception) -> bool:
    return any(cause.kind.endswith("CommitFailedException") for cause in causes(error))


def _refused(text: str, error: Exception) -> SettingsError:
    return SettingsError(f"`{_short(text)}` can't be applied: {reason(causes(error))}.", RULES)


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 100 else f"{words[:99]}…"
