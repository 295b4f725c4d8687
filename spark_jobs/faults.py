"""What became of a stream that failed: it is started again, or no new start would mend it.

Python sees a Java error as text in another language: here it becomes a chain of causes, from the
outermost to the root, and the chain is judged by what is known of Spark, Kafka and Iceberg.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from py4j.protocol import Py4JError, Py4JNetworkError  # type: ignore[import-untyped]
from pyspark import SparkContext
from pyspark.errors import AnalysisException, ParseException, PySparkException

from lakehouse.errors import (
    FirehoseError,
    SettingsError,
    StackError,
    StreamError,
    UnreachableError,
)
from lakehouse.settings import Settings
from spark_jobs import access

_MOST_CAUSES: Final = 20
_MOST_TEXT: Final = 300
_LOST: Final = ("KAFKA_DATA_LOSS", "failOnDataLoss")
# A table that is away may be one whose catalog is just coming back.
_AWAY: Final = ("TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND")
_SPARK_SQL: Final = "org.apache.spark.sql."
_ANALYSIS: Final = ("AnalysisException", "ParseException")
_ENDED: Final = ("stopped SparkContext", "SparkContext was shut down", "SparkContext has been shut")
_SECTION: Final = "See docs/troubleshooting.md, Checkpoints, Kafka and the lake belong together."


class Cause(NamedTuple):
    """One link of the chain: the class's name, and its message's first line."""

    kind: str
    text: str


def causes(error: BaseException) -> list[Cause]:
    """The chain of causes of an error, Java's where it comes from there; never empty."""
    found: list[Cause] = []
    java = _java(error)
    while java is not None and len(found) < _MOST_CAUSES:
        found.append(Cause(java.getClass().getName(), str(java.getMessage() or "")))
        java = java.getCause()
    return found or [Cause(type(error).__name__, str(error))]


def reason(chain: Sequence[Cause]) -> str:
    """The root of a chain in one line."""
    kind, text = chain[-1]
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return f"{kind.rsplit('.', 1)[-1]}: {line}"[:_MOST_TEXT].rstrip(": .")


def final(name: str, error: BaseException) -> FirehoseError | None:
    """The error that ends the application; None where the stream `name` may be started again."""
    if isinstance(error, FirehoseError):
        return None if isinstance(error, UnreachableError) else error
    return _java_gone() if _is_gone(error) else judge(name, causes(error))


def judge(name: str, chain: Sequence[Cause]) -> FirehoseError | None:
    """As `final`, from the chain of causes alone."""
    why = reason(chain)
    told = "\n".join(f"{kind}: {text}" for kind, text in chain)
    if any(mark in told for mark in _LOST):
        return StreamError(f"The stream {name} met a loss of data in Kafka: {why}.", _SECTION)
    if any(mark in told for mark in _ENDED):
        return _java_gone()
    if "OutOfMemoryError" in told:
        return StackError(
            f"The stream {name} ran out of memory: {why}.",
            "Raise SPARK_DRIVER_MEMORY, or lower MAX_ROWS_PER_BATCH.",
        )
    if _is_analysis(chain) and not any(mark in told for mark in _AWAY):
        return StreamError(
            f"The stream {name} does not fit the lake's tables: {why}.",
            "Its log has the rest; was a table changed by hand?",
        )
    return None


def _is_analysis(chain: Sequence[Cause]) -> bool:
    return any(kind.startswith(_SPARK_SQL) and kind.endswith(_ANALYSIS) for kind, _ in chain)


@contextmanager
def reaching(settings: Settings) -> Iterator[None]:
    """Errors of Java within the block become UnreachableError: the catalog or S3 is away; or
    SettingsError: it refuses us."""
    try:
        yield
    except (AnalysisException, ParseException):
        raise  # a statement of ours is wrong, whatever is away
    except (Py4JError, PySparkException) as error:
        raise (_java_gone() if _is_gone(error) else unreachable(settings, error)) from error


def refused(error: BaseException) -> SettingsError | None:
    """The error in words where a server refused user, key or connection; else None."""
    chain = causes(error)
    return access.refused(chain, reason(chain))


def unreachable(settings: Settings, error: BaseException) -> FirehoseError:
    """The lake does not answer (UnreachableError), or refuses us (SettingsError), in words; for
    errors while the application starts."""
    if (refusal := refused(error)) is not None:
        return refusal
    rest = settings.lake_catalog_type == "rest"
    catalog = settings.lake_catalog_uri if rest else settings.catalog_db
    return UnreachableError(
        f"The lake can't be reached (catalog {catalog}, tables in {settings.warehouse}): "
        f"{reason(causes(error))}.",
        "Are both there, and are the LAKE_ and S3_ settings right? `firehose doctor` looks.",
    )


def _java(error: BaseException) -> Any:
    """The Java error behind one that py4j or pyspark raised."""
    return getattr(error, "java_exception", None) or getattr(error, "_origin", None)


def _is_gone(error: BaseException) -> bool:
    """Whether Java itself has ended: everything that is asked of it fails then, in many words."""
    process = getattr(SparkContext._gateway, "proc", None)
    ended = process is not None and process.poll() is not None
    return ended or isinstance(error, Py4JNetworkError)


def _java_gone() -> StackError:
    return StackError("Spark's Java process has ended.", "Its log has the rest.")
