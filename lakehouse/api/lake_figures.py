"""What the API knows of the lake, as figures for Prometheus: freshness, gaps, checks, the market.

Made from the snapshot in memory when they are asked for: the lake is not read. Symbols are bounded.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import orjson
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lakehouse.api.audit import Job
from lakehouse.api.blocks import Key
from lakehouse.api.columns import MICROS
from lakehouse.api.gaps import Gaps
from lakehouse.api.health import judge, minute_ends
from lakehouse.api.hour_watch import HourWatch
from lakehouse.api.hours import Cell, Hours
from lakehouse.api.instants import HOUR_MICROS, of_text
from lakehouse.api.refresher import Refresher
from lakehouse.api.snapshot import Snapshot
from lakehouse.tables import CHECK

PREFIX: Final = "firehose_lake_"
# Those with the most quote volume in the newest minute; of gaps those that miss the most.
MOST_SYMBOLS: Final = 50
_SYMBOL: Final = ("exchange", "symbol")
_STATUSES: Final = ("ok", "degraded", "stale")
_CHECKED: Final = ("ok", "warn", "failed")
_GAPS: Final = ("open", "repaired", "unrepairable")
_MARKET: Final = {
    "close": "price of the last trade of the newest minute",
    "vwap_1m": "volume-weighted average price of the newest minute",
    "volume": "base currency traded in the newest minute",
    "quote_volume": "quote currency traded in the newest minute",
    "trades": "trades of the newest minute",
    "return_1m": "close against that of the minute before, as a fraction",
    "spike": "1 where the newest minute is a spike",
}
_HOURS: Final = {
    "expected": "ids that the hour should have",
    "missing": "ids that it has not",
    "unexplained": "ids missing without a gap on record",
    "duplicates": "ids that stand there again",
}


class LakeFigures(Collector):
    """`clock`: seconds since 1970 UTC."""

    def __init__(
        self,
        refresher: Refresher,
        watch: HourWatch,
        fresh_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._refresher, self._watch = refresher, watch
        self._fresh_seconds, self._clock = fresh_seconds, clock
        self._made: tuple[Hours | None, list[Metric]] | None = None

    def collect(self) -> Iterator[Metric]:
        """A family for each metric; nothing in them before the lake was read."""
        state = self._refresher.state
        snapshot = state.snapshot or Snapshot(0)
        yield self._source(state.snapshot)
        yield from _layers(snapshot)
        yield from _gaps(snapshot.gaps)
        yield from _jobs(snapshot.audit.jobs)
        yield from _market(snapshot)
        yield from self._completeness()

    def _completeness(self) -> list[Metric]:
        """Made once for each proof: there may be thousands of cells."""
        hours, made = self._watch.state.hours, self._made
        if made is None or made[0] is not hours:
            self._made = made = (hours, list(_completeness(hours or Hours(0))))
        return made[1]

    def _source(self, snapshot: Snapshot | None) -> Metric:
        family = _family("source_status", "1 for the health of the source", ("status",))
        if snapshot is not None:
            facts = self._refresher.state.facts(snapshot, self._fresh_seconds)
            now, _ = judge(facts, int(self._clock() * MICROS))
            for status in _STATUSES:
                family.add_metric([status], float(status == now))
        return family


def _layers(snapshot: Snapshot) -> Iterator[Metric]:
    rows = _family("layer_rows", "rows of the table", ("table",))
    commits = _family("layer_commit_timestamp", "newest commit, s since 1970 UTC", ("table",))
    files = _family("table_files", "files of data that the table has", ("table",))
    deletes = _family("table_delete_files", "files of position deletes that it has", ("table",))
    for layer in snapshot.layers:
        rows.add_metric([layer.table], layer.rows)
        files.add_metric([layer.table], layer.files)
        deletes.add_metric([layer.table], layer.delete_files)
        if layer.committed_micros is not None:
            commits.add_metric([layer.table], layer.committed_micros / MICROS)
    newest = _family("newest_minute_timestamp", "end of Gold's newest minute, s since 1970 UTC", ())
    if snapshot.gold and snapshot.gold.newest_minute is not None:
        newest.add_metric([], minute_ends(snapshot.gold.newest_minute) / MICROS)
    yield from (rows, files, deletes, commits, newest)


def _gaps(gaps: Gaps) -> Iterator[Metric]:
    counts = _family("gaps", "rows of ops_gap, by status", ("status",))
    for status in _GAPS:
        counts.add_metric([status], gaps.counts.get(status, 0))
    since = _family("open_gap_timestamp", "when the oldest open gap was noticed", ())
    if gaps.open_since is not None:
        since.add_metric([], of_text(gaps.open_since) / MICROS)
    total = _family("missing_ids", "trades of open gaps, still sought", ())
    total.add_metric([], gaps.missing_ids)
    missing = _family("symbol_missing_ids", "the same by symbol", _SYMBOL)
    for key in sorted(gaps.missing, key=gaps.missing.__getitem__, reverse=True)[:MOST_SYMBOLS]:
        missing.add_metric([*key], gaps.missing[key])
    yield from (counts, since, total, missing)


def _jobs(jobs: Mapping[str, Job]) -> Iterator[Metric]:
    checks = _family("check_status", "1 for a check's last result", ("check", "status"))
    ran = _family("check_timestamp", "when it ran last, s since 1970 UTC", ("check",))
    failed = _family("failed_batches", "failed batches in the last day or so", ("stream",))
    well = _family("last_batch_ok", "1 where the newest row of ops_audit is ok", ("stream",))
    for name, job in jobs.items():
        if not name.startswith(CHECK):
            well.add_metric([name], float(job.last["status"] == "ok"))
            failed.add_metric([name], job.failed)
            continue
        check = name.removeprefix(CHECK)
        for status in _CHECKED:
            checks.add_metric([check, status], float(job.last["status"] == status))
        ran.add_metric([check], of_text(job.last["finished_at"]) / MICROS)
    yield from (checks, ran, failed, well)


def _market(snapshot: Snapshot) -> Iterator[Metric]:
    shown = sorted(
        snapshot.newest, key=lambda key: _number(snapshot.newest[key]["quote_volume"]), reverse=True
    )[:MOST_SYMBOLS]
    for name, meaning in _MARKET.items():
        family = _family(f"symbol_{name.removesuffix('_1m')}", meaning, _SYMBOL)
        for key in shown:
            value = snapshot.newest[key][name]
            if value is not None:
                family.add_metric([*key], _number(value))
        yield family
    day = _family("symbol_spikes_24h", "spikes of the last 24 hours", _SYMBOL)
    minute = _family("symbol_minute_timestamp", "newest minute, s since 1970 UTC", _SYMBOL)
    for key in shown:
        day.add_metric([*key], snapshot.pulses[key].spikes_24h)
        minute.add_metric([*key], of_text(snapshot.newest[key]["minute_ts"]) / MICROS)
    yield from (day, minute)


def _completeness(hours: Hours) -> Iterator[Metric]:
    told = [(cell, orjson.loads(cell.body)) for cell in hours.cells]
    for name, meaning in _HOURS.items():
        family = _family(
            f"hour_{name.removesuffix('s')}_ids", f"{meaning}; 0 is the newest hour", ("hours_ago",)
        )
        for hour, count in sorted(_by_hour(told, name).items(), reverse=True):
            ago = ((hours.newest or 0) - hour) // HOUR_MICROS
            family.add_metric([str(ago)], count)
        yield family
    for name in ("expected", "present"):
        family = _family(f"symbol_{name}_ids", f"ids {name} in the hours kept", _SYMBOL)
        found = _by_symbol(told, name)
        for key in sorted(found, key=found.__getitem__, reverse=True)[:MOST_SYMBOLS]:
            family.add_metric([*key], found[key])
        yield family
    unread = _family("unread_hours", "hours of which files have not been read yet", ())
    unread.add_metric([], len(hours.unread))
    proved = _family("proof_timestamp", "commit of Silver that the ids are of", ())
    if hours.committed_micros:
        proved.add_metric([], hours.committed_micros / MICROS)
    yield from (unread, proved)


def _by_hour(told: Iterable[tuple[Cell, Mapping[str, Any]]], name: str) -> dict[int, int]:
    found: dict[int, int] = {}
    for cell, counts in told:
        found[cell.hour] = found.get(cell.hour, 0) + counts[name]
    return found


def _by_symbol(told: Iterable[tuple[Cell, Mapping[str, Any]]], name: str) -> dict[Key, int]:
    found: dict[Key, int] = {}
    for cell, counts in told:
        found[cell.key] = found.get(cell.key, 0) + counts[name]
    return found


def _family(name: str, meaning: str, labels: Iterable[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, meaning, labels=list(labels))


def _number(value: object) -> float:
    """Prometheus knows floats alone; exact figures are what the API answers."""
    if isinstance(value, int):  # bool is one
        return float(value)
    return math.nan if value is None else float(str(value))
