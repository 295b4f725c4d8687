"""What the last maintenance left of small files, as figures for Prometheus."""

from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from spark_jobs.maintenance.figures import Figures

_PREFIX: Final = "firehose_spark_"
_FAMILIES: Final = {
    "fullest_hour_files": "files of the hour that has most after compaction, the newest left out",
    "average_file_bytes": "average size of the table's files after compaction",
}


class TableFigures(Collector):
    """Figures of each table after its last compaction; nothing before the first."""

    def __init__(self) -> None:
        self._found: dict[str, Figures] = {}

    def note(self, found: Iterable[tuple[str, Figures]]) -> None:
        """Keep the figures of these tables, from any thread."""
        self._found = {**self._found, **dict(found)}

    def collect(self) -> Iterator[Metric]:
        """A family for each metric."""
        families = {
            name: GaugeMetricFamily(_PREFIX + name, meaning, labels=["table"])
            for name, meaning in _FAMILIES.items()
        }
        for table, each in self._found.items():
            families["fullest_hour_files"].add_metric([table], each.fullest_hour or 0)
            families["average_file_bytes"].add_metric([table], each.bytes / max(1, each.files))
        yield from families.values()
