"""The Spark application's figures for Prometheus, put together when they are asked for.

A batch pays nothing for them: counts are those of the status file, and what Spark knows of a
stream's last batch is asked of it at the scrape. docs/observability.md lists the names.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from spark_jobs.stream import Context

PREFIX: Final = "firehose_spark_"
STATES: Final = ("running", "restarting", "failed", "stopped")
# What Spark's Kafka source says of how far it is behind.
_BEHIND: Final = "maxOffsetsBehindLatest"
_Family = type[CounterMetricFamily] | type[GaugeMetricFamily]


class Stream(Protocol):
    """What is asked of the keeper of a stream."""

    name: str

    @property
    def state(self) -> str:
        """One of STATES."""

    def progress(self) -> Mapping[str, Any] | None:
        """Spark's report on the last batch, as its JSON; None without one."""


class Figure(NamedTuple):
    """A metric of each stream: its name below PREFIX, kind, meaning and value (None: absent)."""

    name: str
    kind: _Family
    meaning: str
    value: Callable[[Mapping[str, Any]], float | None]


def _total(field: str) -> Callable[[Mapping[str, Any]], float | None]:
    return lambda job: float(job[field])


def _seconds(field: str) -> Callable[[Mapping[str, Any]], float | None]:
    return lambda job: None if job[field] is None else job[field] / 1000


def _last(field: str) -> Callable[[Mapping[str, Any]], float | None]:
    return lambda job: None if job.get(field) is None else float(job[field])


OF_JOBS: Final = (
    Figure("batches", CounterMetricFamily, "batches finished", _total("batches")),
    Figure(
        "rows_in", CounterMetricFamily, "rows read, as ops_audit counts them", _total("rows_in")
    ),
    Figure("rows_out", CounterMetricFamily, "rows written", _total("rows_out")),
    Figure("rows_duplicate", CounterMetricFamily, "rows there already", _total("rows_duplicate")),
    Figure("rows_late", CounterMetricFamily, "rows older than the watermark", _total("rows_late")),
    Figure("rows_rejected", CounterMetricFamily, "rows that broke a rule", _total("dq_fail")),
    Figure("failures", CounterMetricFamily, "times the stream failed", _total("failures")),
    Figure("restarts", CounterMetricFamily, "times it was started again", _total("restarts")),
    Figure("batch_id", GaugeMetricFamily, "number of the last finished batch", _last("batch_id")),
    Figure(
        "batch_lag_seconds",
        GaugeMetricFamily,
        "from the receipt of its oldest row to the end of the last finished batch",
        _seconds("max_lag_ms"),
    ),
    Figure(
        "batch_finished_timestamp",
        GaugeMetricFamily,
        "end of the last finished batch, s since 1970 UTC",
        _last("finished_at"),
    ),
)
OF_PROGRESS: Final = (
    Figure("input_rows", GaugeMetricFamily, "rows of the last batch", _last("numInputRows")),
    Figure(
        "input_rows_per_second",
        GaugeMetricFamily,
        "rows that came in, a second",
        _last("inputRowsPerSecond"),
    ),
    Figure(
        "processed_rows_per_second",
        GaugeMetricFamily,
        "rows done in the last batch, a second",
        _last("processedRowsPerSecond"),
    ),
    Figure(
        "progress_timestamp",
        GaugeMetricFamily,
        "start of the batch that Spark told of last, s since 1970 UTC",
        lambda told: _instant(told.get("timestamp")),
    ),
    Figure(
        "kafka_records_behind",
        GaugeMetricFamily,
        "records of the partition that is furthest behind its newest one",
        lambda told: _behind(told),
    ),
)


class StreamFigures(Collector):
    """Of all streams of an application."""

    def __init__(self, context: Context, streams: Sequence[Stream]) -> None:
        self._context = context
        self._streams = streams

    def collect(self) -> Iterator[Metric]:
        """A family for each metric; those without a value yet are absent."""
        yield from self._states()
        jobs = self._context.status.jobs()
        yield from _families(OF_JOBS, jobs)
        told = {each.name: each.progress() for each in self._streams}
        known = {name: progress for name, progress in told.items() if progress is not None}
        yield from _families(OF_PROGRESS, known)
        yield _phases(known)
        yield self._watermarks()
        yield self._spikes()
        held = GaugeMetricFamily(PREFIX + "lease_held", "1 while this one may write, else 0")
        held.add_metric([], float(self._context.lease is None or self._context.lease.held))
        yield held

    def _states(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            PREFIX + "stream_state",
            "1 for the state that the stream is in",
            labels=["stream", "state"],
        )
        for stream in self._streams:
            now = stream.state
            for state in STATES:
                family.add_metric([stream.name, state], float(state == now))
        yield family

    def _watermarks(self) -> Metric:
        family = GaugeMetricFamily(
            PREFIX + "watermark_timestamp",
            "trades before it count as late, s since 1970 UTC",
            labels=["stream"],
        )
        for stream in self._streams:
            if (micros := self._context.pulse(stream.name).watermark_micros) is not None:
                family.add_metric([stream.name], micros / 1e6)
        return family

    def _spikes(self) -> Metric:
        family = GaugeMetricFamily(
            PREFIX + "spikes", "events of the outbox, by status", labels=["status"]
        )
        for status, count in (self._context.status.spike_counts() or {}).items():
            family.add_metric([status], count)
        return family


def _families(figures: Sequence[Figure], of: Mapping[str, Mapping[str, Any]]) -> Iterator[Metric]:
    for figure in figures:
        family = figure.kind(PREFIX + figure.name, figure.meaning, labels=["stream"])
        for job, found in of.items():
            if (value := figure.value(found)) is not None:
                family.add_metric([job], value)
        yield family


def _phases(of: Mapping[str, Mapping[str, Any]]) -> Metric:
    family = GaugeMetricFamily(
        PREFIX + "batch_phase_seconds",
        "time of the last batch, by phase",
        labels=["stream", "phase"],
    )
    for job, told in of.items():
        for phase, millis in told.get("durationMs", {}).items():
            family.add_metric([job, phase], millis / 1000)
    return family


def _instant(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()


def _behind(told: Mapping[str, Any]) -> float | None:
    sources = [source.get("metrics") or {} for source in told.get("sources", ())]
    found = [float(metrics[_BEHIND]) for metrics in sources if _BEHIND in metrics]
    return max(found, default=None)
