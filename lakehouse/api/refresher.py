"""Keeps the snapshot warm: a thread that looks for new commits and swaps in what they changed."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import orjson
import structlog

from lakehouse import lake_refusals, tables
from lakehouse.api import summaries, table_state
from lakehouse.api.audit import Audit, audit_of, must_stay
from lakehouse.api.blocks import Key
from lakehouse.api.columns import Row
from lakehouse.api.gaps import Gaps, gaps_of
from lakehouse.api.gold import Gold, GoldStore
from lakehouse.api.health import Layer
from lakehouse.api.ops_rows import OpsRows
from lakehouse.api.pulse import Pulse
from lakehouse.api.snapshot import Snapshot, State, newest_of, pulses_of
from lakehouse.api.summaries import Summaries, summaries_of
from lakehouse.api.table_state import TableState
from lakehouse.api.views import symbol_pulse
from lakehouse.catalog import rest_catalog, rest_locations, table_locations
from lakehouse.errors import FirehoseError, UnreachableError
from lakehouse.settings import Settings

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

log = structlog.get_logger(__name__)

POLL_SECONDS: Final = 1.0
_MOST_FILES: Final = 2_000
_LAYERS: Final = (tables.BRONZE, tables.SILVER, tables.QUARANTINE, tables.GOLD)


class Refresher:
    """`state` is the newest one, to be read from any thread; `refresh` and the rest are one's."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self.state = State()
        self.refreshes = 0
        self._settings, self._clock = settings, clock
        self._locations = Locations(settings)
        self._seen: dict[str, TableState] = {}
        self._gold, self._audit, self._gaps, self._summaries = (
            GoldStore(),
            OpsRows("started_at", _MOST_FILES),
            OpsRows("detected_at"),
            OpsRows("created_at", _MOST_FILES),
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="refresher", daemon=True)

    def start(self) -> None:
        """Begin to look, about once a second."""
        self._thread.start()

    def stop(self) -> None:
        """End after the look that is under way."""
        self._stop.set()
        self._thread.join(10)

    def refresh(self) -> None:
        """One look: a new state, whatever the lake answers. Nothing is raised."""
        try:
            self.read()
        except Exception as error:  # the API goes on with what it has, whatever a reader raises
            known = error if isinstance(error, FirehoseError) else lake_refusals.refused(error)
            told = str(known) if known else repr(error)[:500]
            if told != self.state.failure:  # once, not every second
                log.warning("lake_not_read", error=told)
            self.state = State(self.state.snapshot, self.state.checked_micros, told)

    def read(self) -> Snapshot:
        """One look as well; raises what the lake's readers raise, and the state is as it was."""
        changed = self._look()
        snapshot = self._load(changed) if changed else self.state.snapshot
        assert snapshot is not None  # the first look finds every table changed
        self.state = State(snapshot, self._micros())
        return snapshot

    def table(self, name: str) -> TableState | None:
        """A table as of the newest snapshot; None where the lake has none. From any thread."""
        return self._seen.get(name)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.refresh()
            self._stop.wait(POLL_SECONDS)

    def _look(self) -> dict[str, TableState]:
        """The tables that got a commit since the last good look."""
        found = self._locations.now()
        if tables.GOLD not in found:
            raise UnreachableError(f"The catalog has no table {tables.GOLD}.", "Is the lake whole?")
        wanted = {*_LAYERS, tables.AUDIT, tables.GAP, tables.SUMMARY} & found.keys()
        return {
            name: table_state.read(self._settings, found[name])
            for name in sorted(wanted)
            if name not in self._seen or self._seen[name].location != found[name]
        }

    def _load(self, changed: Mapping[str, TableState]) -> Snapshot:
        before = self.state.snapshot
        seen = self._seen | dict(changed)
        gold, gaps = self._gold_of(changed, before), self._gaps_of(changed, before)
        newest, pulses = _figures(gold, before, self._settings.spike_warm_up_minutes)
        snapshot = Snapshot(
            self._micros(),
            gold,
            newest,
            pulses,
            {key: _item(key, newest[key], pulse, gaps) for key, pulse in pulses.items()},
            tuple(_layer(name, seen.get(name)) for name in _LAYERS),
            self._audit_of(changed, before),
            gaps,
            self._summaries_of(changed, before),
        )
        self._seen = seen
        self.refreshes += 1
        return snapshot

    def _gold_of(self, changed: Mapping[str, TableState], before: Snapshot | None) -> Gold | None:
        if (table := changed.get(tables.GOLD)) is None:
            return before.gold if before else None
        gold = self._gold.refresh(table)
        return gold if gold and gold.series else None

    def _audit_of(self, changed: Mapping[str, TableState], before: Snapshot | None) -> Audit:
        if (table := changed.get(tables.AUDIT)) is None:
            return before.audit if before else Audit()
        rows = self._audit.refresh(table)
        audit = audit_of(rows, self._audit.since_micros)
        self._audit.forget(lambda row: must_stay(audit, row))
        return audit

    def _gaps_of(self, changed: Mapping[str, TableState], before: Snapshot | None) -> Gaps:
        if (table := changed.get(tables.GAP)) is None:
            return before.gaps if before else Gaps()
        return gaps_of(self._gaps.refresh(table))

    def _summaries_of(
        self, changed: Mapping[str, TableState], before: Snapshot | None
    ) -> Summaries:
        if (table := changed.get(tables.SUMMARY)) is None:
            return before.summaries if before else Summaries()
        view = summaries_of(self._summaries.refresh(table), self._summaries.since_micros)
        self._summaries.forget(lambda row: summaries.must_stay(view, row))
        return view

    def _micros(self) -> int:
        return int(self._clock() * 1_000_000)


class Locations:
    """Where each table's newest metadata stands, asked again and again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._catalog: Catalog | None = None

    def now(self) -> dict[str, str]:
        """As `catalog.table_locations`; a REST catalog is logged in to once, not each time."""
        if self._settings.lake_catalog_type != "rest":
            return table_locations(self._settings)
        if self._catalog is None:
            self._catalog = rest_catalog(self._settings)
            # Its answers then hold one snapshot instead of all.
            self._catalog.properties["snapshot-loading-mode"] = "refs"
        try:
            return rest_locations(self._catalog, self._settings.lake_catalog_uri)
        except FirehoseError:
            self._catalog = None  # its token may have ended: log in anew
            raise


def _figures(
    gold: Gold | None, before: Snapshot | None, warm_up_minutes: int
) -> tuple[Mapping[Key, Row], Mapping[Key, Pulse]]:
    if before is not None and before.gold is gold:
        return before.newest, before.pulses
    return (newest_of(gold), pulses_of(gold, before, warm_up_minutes)) if gold else ({}, {})


def _item(key: Key, row: Row, pulse: Pulse, gaps: Gaps) -> bytes:
    return orjson.dumps(symbol_pulse(key, row, pulse, gaps))


def _layer(name: str, table: TableState | None) -> Layer:
    if table is None:
        return Layer(name, 0, None)
    return Layer(name, table.rows, table.committed_micros, table.files, table.delete_files)
