"""The API's own figures for Prometheus."""

import time
from collections.abc import Callable
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.registry import Collector

from lakehouse.api.columns import MICROS
from lakehouse.api.refresher import Refresher

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """A registry of its own, so that several apps can stand in one process."""

    def __init__(self, refresher: Refresher, clock: Callable[[], float] = time.time) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "firehose_api_requests",
            "Requests answered, by route and status.",
            ("route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "firehose_api_request_seconds",
            "Time from a request to the end of its answer, by route.",
            ("route",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._gauge(
            "firehose_api_snapshot_age_seconds",
            "Time since the lake was last read with success; NaN before the first time.",
            lambda: _age(refresher.state.checked_micros, clock()),
        )
        self._gauge(
            "firehose_api_gold_commit_age_seconds",
            "Time since the commit of Gold that is served; NaN without one.",
            lambda: _age(_committed(refresher), clock()),
        )
        self._gauge(
            "firehose_api_refreshes",
            "Snapshots loaded since the start.",
            lambda: refresher.refreshes,
        )

    def register(self, figures: Collector) -> None:
        """Figures of another part come on the same page."""
        self._registry.register(figures)

    def count(self, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def page(self) -> bytes:
        """In the text format of Prometheus."""
        return generate_latest(self._registry)

    def _gauge(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        Gauge(name, meaning, registry=self._registry).set_function(value)


def _committed(refresher: Refresher) -> int:
    snapshot = refresher.state.snapshot
    return snapshot.gold.committed_micros if snapshot and snapshot.gold else 0


def _age(instant_micros: int, now: float) -> float:
    return now - instant_micros / MICROS if instant_micros else float("nan")
