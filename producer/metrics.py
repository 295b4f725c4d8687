"""The producer's figures: plain integers on the hot path, Prometheus' text on request.

Whatever comes in ends as exactly one of four, so all is delivered when `frames_received_total` +
`rest_trades_total` = delivered + dlq_delivered + control frames + duplicates. docs/producer.md
lists the names.
"""

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

PREFIX: Final = "firehose_producer_"
OTHER: Final = "other"
_MAX_REASONS: Final = 64
_BOUNDS: Final = (
    0.001, 0.0015, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07,
    0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip


class Latency:
    """A histogram of seconds."""

    __slots__ = ("buckets", "total")

    def __init__(self) -> None:
        self.buckets = [0] * (len(_BOUNDS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one measurement."""
        self.buckets[bisect_left(_BOUNDS, seconds)] += 1
        self.total += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """Pairs of upper bound and count, as Prometheus wants them."""
        bounds = [*map(str, _BOUNDS), "+Inf"]
        return list(zip(bounds, map(float, accumulate(self.buckets)), strict=True))


class Counters:
    """All figures of one producer; written by the event loop alone, read by scrapes."""

    def __init__(self, symbols: Iterable[str] = ()) -> None:
        self.frames_received = 0
        self.control_frames = 0
        self.accepted = 0
        self.delivered = 0
        self.dlq_delivered = 0
        self.state_delivered = 0
        self.delivery_failed = 0
        self.dead_letters_cut = 0
        self.shards = 0
        self.connected = 0
        self.reconnects = 0
        self.connect_failures = 0
        self.oversized_frames = 0
        self.rotations = 0
        self.silent_connections = 0
        self.requests_sent = 0
        self.probes = 0
        self.dead_streams = 0
        self.backpressure_seconds = 0.0
        self.rest_weight_used = 0
        self.rest_paused_seconds = 0.0
        self.rest_absent_ids = 0
        self.repair_pending = 0
        self.rest_trades = 0
        self.gaps = 0
        self.gap_ids = 0
        self.missing_ids = 0
        self.open_gaps = 0
        self.gaps_repaired = 0
        self.gaps_unrepairable = 0
        self.held = 0
        self.duplicates = 0
        self.out_of_order = 0
        self.last_delivery_timestamp = 0.0
        self.trades: dict[str, int] = {**dict.fromkeys(symbols, 0), OTHER: 0}
        self.symbols_followed = len(self.trades) - 1
        self.dead_letters: dict[str, int] = {}
        self.rest_requests: dict[str, int] = {}
        self.latency = Latency()

    @property
    def in_flight(self) -> int:
        """Messages given to Kafka's client and neither acknowledged nor refused."""
        known = self.delivered + self.dlq_delivered + self.state_delivered
        return self.accepted - known - self.delivery_failed

    @property
    def unaccounted(self) -> int:
        """Trades and frames received that are not yet acknowledged by Kafka, nor known to be
        duplicates or control.
        """
        received = self.frames_received + self.rest_trades
        delivered = self.delivered + self.dlq_delivered
        return received - delivered - self.control_frames - self.duplicates

    def trade(self, symbol: str) -> None:
        """Count a trade; a symbol that was not asked for counts as `other`."""
        trades = self.trades
        trades[symbol if symbol in trades else OTHER] += 1

    def follow(self, symbols: Sequence[str]) -> None:
        """From now on these are followed; the counts of others stay as they are."""
        self.symbols_followed = len(symbols)
        for symbol in symbols:
            self.trades.setdefault(symbol, 0)

    def acknowledged(self, ingest_time: int) -> None:
        """Time one acknowledgement of what was read at `ingest_time` (µs UTC)."""
        now = time.time()
        self.last_delivery_timestamp = now
        self.latency.observe(now - ingest_time / 1e6)

    def dead_letter(self, reason: str) -> None:
        """Count a dead letter; reasons beyond the bound count as `other`."""
        if reason not in self.dead_letters and len(self.dead_letters) >= _MAX_REASONS:
            reason = OTHER
        self.dead_letters[reason] = self.dead_letters.get(reason, 0) + 1

    def rest_request(self, outcome: str) -> None:
        """Count one REST request by how it ended."""
        self.rest_requests[outcome] = self.rest_requests.get(outcome, 0) + 1


class Figure(NamedTuple):
    """A metric's name below PREFIX (and in Counters), its kind and its meaning."""

    name: str
    kind: type[CounterMetricFamily] | type[GaugeMetricFamily]
    meaning: str


FIGURES: Final = (
    Figure("frames_received", CounterMetricFamily, "websocket frames read"),
    Figure("control_frames", CounterMetricFamily, "frames about the connection, not trades"),
    Figure("delivered", CounterMetricFamily, "trades that Kafka acknowledged"),
    Figure("dlq_delivered", CounterMetricFamily, "dead letters that Kafka acknowledged"),
    Figure("state_delivered", CounterMetricFamily, "gap and position messages acknowledged"),
    Figure("delivery_failed", CounterMetricFamily, "messages that Kafka refused for good"),
    Figure("dead_letters_cut", CounterMetricFamily, "dead letters too large for the broker"),
    Figure("in_flight", GaugeMetricFamily, "messages sent and not yet acknowledged"),
    Figure("symbols_followed", GaugeMetricFamily, "symbols that are followed"),
    Figure("shards", GaugeMetricFamily, "connections that all symbols together need"),
    Figure("connected", GaugeMetricFamily, "how many of them stand"),
    Figure("reconnects", CounterMetricFamily, "connections opened after one was lost"),
    Figure("rotations", CounterMetricFamily, "connections replaced without a break"),
    Figure("silent_connections", CounterMetricFamily, "connections closed as they were silent"),
    Figure("requests_sent", CounterMetricFamily, "SUBSCRIBE and UNSUBSCRIBE messages sent"),
    Figure("probes", CounterMetricFamily, "silent symbols that REST was asked about"),
    Figure("dead_streams", CounterMetricFamily, "silent symbols of which REST had trades"),
    Figure("connect_failures", CounterMetricFamily, "attempts to connect that failed"),
    Figure("oversized_frames", CounterMetricFamily, "connections ended by a frame over the limit"),
    Figure("backpressure_seconds", CounterMetricFamily, "time not reading as Kafka was behind"),
    Figure("rest_weight_used", GaugeMetricFamily, "request weight in the exchange's minute"),
    Figure("rest_paused_seconds", CounterMetricFamily, "pauses that 429 and 418 asked for"),
    Figure("rest_absent_ids", CounterMetricFamily, "ids that the exchange has shown not to have"),
    Figure("repair_pending", GaugeMetricFamily, "ranges and probes not finished"),
    Figure("rest_trades", CounterMetricFamily, "trades that came over REST"),
    Figure("gaps", CounterMetricFamily, "jumps in a symbol's ids"),
    Figure("gap_ids", CounterMetricFamily, "ids jumped over"),
    Figure("open_gaps", GaugeMetricFamily, "gaps on record and not closed"),
    Figure("gaps_repaired", CounterMetricFamily, "gaps, or parts, whose ids Kafka now has"),
    Figure("gaps_unrepairable", CounterMetricFamily, "… whose ids the exchange has not"),
    Figure("missing_ids", GaugeMetricFamily, "ids jumped over and not seen since"),
    Figure("held", GaugeMetricFamily, "trades that wait behind a gap for its repair"),
    Figure("duplicates", CounterMetricFamily, "trades whose id came before; not sent again"),
    Figure("out_of_order", CounterMetricFamily, "trades that came after a later id"),
    Figure("last_delivery_timestamp", GaugeMetricFamily, "last acknowledgement, s since 1970 UTC"),
)


class _Exporter(Collector):
    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def collect(self) -> Iterator[Metric]:
        for name, kind, meaning in FIGURES:
            yield kind(PREFIX + name, meaning, value=getattr(self._counters, name))
        yield from self._labelled()
        latency = self._counters.latency
        yield HistogramMetricFamily(
            PREFIX + "receive_to_ack_seconds",
            "from reading a frame to Kafka's acknowledgement",
            buckets=latency.cumulative(),
            sum_value=latency.total,
        )

    def _labelled(self) -> Iterator[Metric]:
        for name, label, meaning, counts in (
            ("trades_received", "symbol", "trades read", self._counters.trades),
            ("dead_letters", "reason", "frames that can't be read", self._counters.dead_letters),
            ("rest_requests", "outcome", "requests over REST", self._counters.rest_requests),
        ):
            family = CounterMetricFamily(PREFIX + name, meaning, labels=[label])
            for key, count in counts.copy().items():
                family.add_metric([key], count)
            yield family


def registry_of(counters: Counters) -> CollectorRegistry:
    """A registry with these figures and the process' own (CPU seconds, memory)."""
    registry = CollectorRegistry()
    registry.register(_Exporter(counters))
    ProcessCollector(registry=registry)
    return registry
