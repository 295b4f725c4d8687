"""The live view of a run: layers, symbols, producer; plain lines where there is no terminal."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lakehouse.pipeline import monitor
from lakehouse.pipeline.figures import ProducerFigures
from lakehouse.settings import Settings

_REFRESH_SECONDS = 3.0
_LINE_SECONDS = 10.0
_SYMBOLS_SHOWN = 20


@dataclass
class State:
    """What the main loop knows; the view reads it from a thread of its own."""

    phase: str = "starting"
    producer: ProducerFigures = field(default_factory=ProducerFigures)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    spikes: dict[str, int] = field(default_factory=dict)
    frames_total: int | None = None


class LiveView:
    """Shows a run while it lasts. On a terminal it redraws in place; elsewhere it prints lines."""

    def __init__(self, settings: Settings, out: Console) -> None:
        self.state = State()
        self._settings = settings
        self._out = out
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="live-view", daemon=True)
        self._before: tuple[float, dict[str, int]] = (time.monotonic(), {})

    def say(self, text: str) -> None:
        """A line that stays."""
        self._out.print(Text(f"{datetime.now(UTC):%H:%M:%S}  {text}"), highlight=False)

    def look_at(self, settings: Settings) -> None:
        """Read the lake of these settings from now on."""
        self._settings = settings

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def _loop(self) -> None:
        if self._out.is_terminal:
            with Live(self._drawn(), console=self._out, auto_refresh=False, transient=True) as live:
                self._every(_REFRESH_SECONDS, lambda: live.update(self._drawn(), refresh=True))
        else:
            self._every(_LINE_SECONDS, lambda: self.say(self._line()))

    def _every(self, seconds: float, draw: Callable[[], None]) -> None:
        while not self._stop.wait(seconds):
            draw()

    def _line(self) -> str:
        found = {layer.table: layer.rows for layer in monitor.layers(self._settings)}
        rows = " · ".join(f"{_short(table)} {count:,}" for table, count in found.items())
        state = self.state
        return f"{state.phase}: Kafka {state.producer.delivered:,}{_of(state)} · {rows}"

    def _drawn(self) -> Group:
        state = self.state
        title = Text(f"{state.phase} · {_producer(state)}", style="bold")
        lines = [*troubles(state.jobs, time.time()), *untold(state.spikes)]
        trouble = [Text(line, style="bold red") for line in lines]
        return Group(title, *trouble, self._layer_table(), _symbol_table(self._settings))

    def _layer_table(self) -> Table:
        found = monitor.layers(self._settings)
        now, rows = time.monotonic(), {layer.table: layer.rows for layer in found}
        then, before = self._before
        self._before = (now, rows)
        table = Table("layer", box=None, header_style="dim")
        for name in ("rows", "rows/s", "lag", "last commit"):
            table.add_column(name, justify="right")
        for layer in found:
            rate = (layer.rows - before.get(layer.table, layer.rows)) / max(now - then, 0.001)
            lag_ms = self.state.jobs.get(layer.table, {}).get("max_lag_ms")
            table.add_row(
                _short(layer.table),
                f"{layer.rows:,}",
                f"{rate:,.0f}",
                "" if lag_ms is None else f"{lag_ms / 1000:.1f} s",
                _age(layer.committed_at),
            )
        return table


def troubles(jobs: Mapping[str, Mapping[str, Any]], now: float) -> list[str]:
    """One line for each stream that is being started again; `now`: s since 1970 UTC."""
    return [
        f"{_short(name)}: failing for {max(0.0, now - job['failing_since']):.0f} s, started again "
        f"{job['restarts']:,} times. {job['last_error']}"
        for name, job in sorted(jobs.items())
        if job.get("failing_since") is not None
    ]


def untold(spikes: Mapping[str, int]) -> list[str]:
    """A line where the webhook has not got every spike; `spikes`: events by status."""
    counts = [f"{spikes[name]:,} {name}" for name in ("refused", "expired") if spikes.get(name)]
    if not counts:
        return []
    return [f"spikes that nobody was told of: {', '.join(counts)} (docs/spikes.md)"]


def _symbol_table(settings: Settings) -> Table:
    rows = monitor.latest_minutes(settings)
    table = minutes_table(rows[:_SYMBOLS_SHOWN])
    if len(rows) > _SYMBOLS_SHOWN:
        table.caption = f"… and {len(rows) - _SYMBOLS_SHOWN:,} more symbols"
    return table


def minutes_table(rows: Sequence[dict[str, Any]], title: str | None = None) -> Table:
    """Gold rows for people; fits a terminal of 80 columns. Values are rounded to be looked at."""
    table = Table("symbol", "UTC", title=title, box=None, header_style="dim")
    for name in ("price", "VWAP", "volume", "change 1m", "spike"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*_minute_cells(row), style="bold yellow" if row["spike"] else None)
    return table


def _minute_cells(row: dict[str, Any]) -> list[str]:
    change = row["return_1m"]
    return [
        row["symbol"],
        f"{row['minute_ts']:%m-%d %H:%M}",
        f"{row['close'].normalize():f}",
        _shown(row["vwap_1m"]),
        _shown(row["volume"]),
        "" if change is None else f"{change * 100:+.3f} %",
        "spike" if row["spike"] else "",
    ]


def _shown(value: Decimal) -> str:
    """At least 8 digits, never fewer than the whole part has."""
    if abs(value) >= 1_000_000:
        return f"{value:,.2f}"
    return f"{Decimal(f'{value:.8g}').normalize():f}"


def _producer(state: State) -> str:
    figures = state.producer
    return (
        f"producer: {figures.delivered:,}{_of(state)} in Kafka, {figures.dlq_delivered:,} dead "
        f"letters, {figures.in_flight:,} in flight{_gaps(figures.open_gaps)}"
    )


def _gaps(count: int) -> str:
    return "" if not count else f", {count:,} open gap{'s' if count > 1 else ''} in repair"


def _of(state: State) -> str:
    # With frames sent twice or made up by a fault, more arrive than were recorded.
    total = state.frames_total
    if total is None or state.producer.frames_received > total:
        return ""
    return f" of {total:,} frames"


def _short(table: str) -> str:
    return table.removeprefix("crypto_").split("_")[0]


def _age(at: float) -> str:
    return "" if not at else f"{max(0.0, time.time() - at):.0f} s ago"
