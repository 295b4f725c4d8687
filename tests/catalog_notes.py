"""The notes of leases in a real catalog, by pyiceberg instead of Spark."""

from collections.abc import Collection, Mapping
from pathlib import Path

from pyiceberg.catalog.sql import SqlCatalog

from lakehouse import tables
from spark_jobs.namespace_properties import PREFIX


class CatalogNotes:
    """The notes in a real catalog, by pyiceberg instead of Spark."""

    def __init__(self, folder: Path) -> None:
        self._catalog = SqlCatalog(
            tables.CATALOG, uri=f"sqlite:///{folder / 'catalog.db'}", warehouse=f"file://{folder}"
        )
        self._catalog.create_namespace_if_not_exists(tables.NAMESPACE)

    def read(self) -> dict[str, str]:
        found = self._catalog.load_namespace_properties(tables.NAMESPACE)
        return {name: text for name, text in found.items() if name.startswith(PREFIX)}

    def write(self, notes: Mapping[str, str]) -> None:
        self._catalog.update_namespace_properties(tables.NAMESPACE, updates=dict(notes))

    def remove(self, names: Collection[str]) -> None:
        self._catalog.update_namespace_properties(tables.NAMESPACE, removals=set(names))

    def drop(self) -> None:
        self._catalog.drop_namespace(tables.NAMESPACE)

    def come_back(self, notes: Mapping[str, str]) -> None:
        self._catalog.create_namespace(tables.NAMESPACE, dict(notes))
