"""Small notes that all applications on a lake see: properties of its namespace.

They stand in the catalog alone, so that a note costs no commit to any table.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final, Protocol

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import UnsupportedOperationException
from pyspark.sql import SparkSession

from lakehouse import tables

PREFIX: Final = "firehose."


class NotKeptError(Exception):
    """The catalog keeps no properties of a namespace."""


class Notes(Protocol):
    """Texts by name; a write changes the names that it gives and leaves the others."""

    def read(self) -> dict[str, str]:
        """All notes; NotKeptError where there can be none."""

    def write(self, notes: Mapping[str, str]) -> None:
        """Set these; NotKeptError where that is not offered."""

    def remove(self, names: Collection[str]) -> None:
        """Forget these, where they are there."""


class NamespaceProperties:
    """The notes of `lake.market`, which is made if missing, through a session's catalog."""

    def __init__(self, spark: SparkSession) -> None:
        spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {tables.CATALOG}.{tables.NAMESPACE}")
        jvm: Any = spark.sparkContext._jvm
        plugin = spark._jsparkSession.sessionState().catalogManager().catalog(tables.CATALOG)
        self._catalog = plugin.icebergCatalog()
        self._namespace = jvm.org.apache.iceberg.catalog.Namespace.of(
            _words(spark, tables.NAMESPACE)
        )

    def read(self) -> dict[str, str]:
        try:
            found = self._catalog.loadNamespaceMetadata(self._namespace)
        except UnsupportedOperationException as error:
            raise NotKeptError from error
        return {name: text for name, text in dict(found).items() if name.startswith(PREFIX)}

    def write(self, notes: Mapping[str, str]) -> None:
        try:
            kept = self._catalog.setProperties(self._namespace, dict(notes))
        except UnsupportedOperationException as error:
            raise NotKeptError from error
        except Py4JJavaError:
            # Two that write a name for the first time at once: the later one is refused. It has
            # then a value to replace.
            kept = self._catalog.setProperties(self._namespace, dict(notes))
        if not kept:
            raise NotKeptError

    def remove(self, names: Collection[str]) -> None:
        standing = set(names) & set(self.read())
        if standing:  # some catalogs refuse to remove what is not there
            self._catalog.removeProperties(self._namespace, standing)


def _words(spark: SparkSession, *words: str) -> Any:
    gateway: Any = spark.sparkContext._gateway
    array = gateway.new_array(gateway.jvm.java.lang.String, len(words))
    for place, word in enumerate(words):
        array[place] = word
    return array
