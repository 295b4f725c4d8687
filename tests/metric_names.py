"""Every metric that the three processes offer, with its labels: taken from the code itself."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import cast

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from pyspark.sql import SparkSession

from lakehouse import settings as settings_module
from lakehouse.api.hour_watch import HourWatch
from lakehouse.api.lake_figures import LakeFigures
from lakehouse.api.metrics import Metrics
from lakehouse.api.refresher import Refresher
from producer.metrics import Counters, registry_of
from spark_jobs.lineage import Lineage
from spark_jobs.maintenance.metrics import TableFigures
from spark_jobs.metrics import StreamFigures
from spark_jobs.stream import Context

PARTS = ("producer", "spark", "api")
# What Prometheus itself gives each target and each series.
TARGET_LABELS = frozenset({"job", "instance"})
_ENDS = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
Labels = frozenset[str]


@cache
def families(part: str) -> Mapping[str, tuple[str, Labels]]:
    """Name of each family of ours → its type and labels."""
    return {
        metric.name: (metric.type, _labels(metric))
        for metric in _collected(part)
        if metric.name.startswith("firehose_")
    }


def names(part: str) -> dict[str, Labels]:
    """Name of each series, as queries write it → the labels that it has of its own."""
    found: dict[str, Labels] = {}
    for name, (kind, labels) in families(part).items():
        found |= {name + end: labels for end in _ENDS[kind]}
        if kind == "histogram":
            found[f"{name}_bucket"] = labels | {"le"}
    return found


def known() -> dict[str, Labels]:
    """All of them, and what every target has."""
    ours = {name: labels for part in PARTS for name, labels in names(part).items()}
    common = dict.fromkeys(
        ("up", "process_cpu_seconds_total", "process_resident_memory_bytes"), Labels()
    )
    return {name: labels | TARGET_LABELS for name, labels in {**ours, **common}.items()}


def offered(page: str) -> dict[str, Labels]:
    """The families of ours on a page that a process answered, with the labels that are there."""
    return {
        family.name: _labels(family)
        for family in text_string_to_metric_families(page)
        if family.name.startswith("firehose_")
    }


def _labels(metric: Metric) -> Labels:
    declared: Iterable[str] = getattr(metric, "_labelnames", ())
    told = (label for sample in metric.samples for label in sample.labels)
    return Labels((*declared, *told)) - {"le"}


def _collected(part: str) -> Iterable[Metric]:
    if part == "producer":
        return list(registry_of(Counters(("BTCUSDT",))).collect())
    if part == "spark":
        return _spark()
    settings = settings_module.load(_env_file=None, data_dir=Path("nowhere"))
    refresher = Refresher(settings)
    metrics = Metrics(refresher)
    metrics.register(LakeFigures(refresher, HourWatch(settings, refresher), 60.0))
    metrics.count("/", 200, 0.1)
    page = metrics.page().decode()
    declared = list(LakeFigures(refresher, HourWatch(settings, refresher), 60.0).collect())
    own = [each for each in text_string_to_metric_families(page) if "_api_" in each.name]
    return [*own, *declared]


def _spark() -> Iterable[Metric]:
    settings = settings_module.load(_env_file=None)
    context = Context(cast(SparkSession, None), settings, "run")
    registry = CollectorRegistry()
    registry.register(StreamFigures(context, ()))
    registry.register(Lineage(settings, context.status, "run"))
    registry.register(TableFigures())
    return list(registry.collect())


def documented(text: str) -> dict[str, str]:
    """`firehose_…` names of a page's tables → the cell with their labels."""
    rows = re.findall(r"^\| `(firehose_\w+)` \|([^|]*)\|", text, flags=re.MULTILINE)
    return {name: cell.strip() for name, cell in rows}
