"""The rounds of a watching service: what to look at each time, from when on, and what is news."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from lakehouse.alerts import Ledger, News, Subject
from lakehouse.catalog import table_locations
from lakehouse.checks import record
from lakehouse.checks.catalogue import BRONZE_READ, SILVER_READ, Check, all_checks
from lakehouse.checks.runner import OK, OVERLAP, Bounds, Inspection, Result
from lakehouse.errors import FirehoseError
from lakehouse.query import Lake
from lakehouse.settings import Settings

FIRST_WINDOW: Final = timedelta(days=1)
# Everything is put on record so often, and in between what has changed.
RECORD_AFTER: Final = timedelta(hours=1)

_NEWEST = {
    name: f"SELECT max({time}) AS at FROM {name} WHERE {time} >= $since"
    for name, time in ((BRONZE_READ, "kafka_timestamp"), (SILVER_READ, "ingest_ts"))
}


class Rounds:
    """Looks again and again, each time at what is new; remembers what does not pass.

    `log` is told what goes wrong with the looking itself.
    """

    def __init__(self, settings: Settings, log: Callable[[str], None]) -> None:
        self.ledger = Ledger()
        self._settings = settings
        self._log = log
        self._run_id = f"{record.SERVICE}{uuid.uuid4().hex}"
        self._round = 0
        self._seen: dict[str, str] = {}
        self._status: dict[str, str] = {}
        # A check that does not pass keeps its window until it does: else time alone would mend it.
        self._pinned: dict[str, datetime] = {}
        self._since: datetime | None = None
        self._recorded_at: datetime | None = None

    def look(self, now: datetime, freshness: bool = True) -> list[News]:
        """One round at `now` (UTC); `freshness` tells whether a stale layer counts already.

        Errors of the lake are those of `Inspection`: the next round looks again.
        """
        there = table_locations(self._settings)
        changed = {name for name, address in there.items() if self._seen.get(name) != address}
        with Inspection(self._settings) as inspection:
            if self._since is None:
                self._recall(inspection.lake, now)
            results = self._run(inspection, self._due(changed, freshness), now)
            self._move_on(inspection, results, now)
        self._seen = there
        self._put_on_record(results, now)
        return self.ledger.see((subject_of(result) for result in results), now)

    def _due(self, changed: set[str], freshness: bool) -> list[Check]:
        """The checks whose answer may be another than in the last round."""
        return [
            check
            for check in all_checks()
            if (check.reads & changed or check.watches_the_clock or check.job in self._pinned)
            and (freshness or not check.of_freshness)
        ]

    def _run(self, inspection: Inspection, due: list[Check], now: datetime) -> list[Result]:
        assert self._since is not None
        results: list[Result] = []
        for check in due:
            since = self._pinned.get(check.job, self._since)
            bounds = Bounds.of(self._settings, now, since)
            results += inspection.run([check], bounds).results
        return results

    def _move_on(self, inspection: Inspection, results: list[Result], now: datetime) -> None:
        """Pin what does not pass; the others look from here on at what the streams have not read.

        By what they have read, not by the clock: a stream that is behind brings old rows.
        """
        assert self._since is not None
        for result in results:
            if result.passed:
                self._pinned.pop(result.check.job, None)
            else:
                self._pinned.setdefault(result.check.job, self._since)
        reached = [now, *(_newest(inspection, name, self._since) for name in _NEWEST)]
        times = [at for at in reached if at is not None]
        if len(times) == len(reached):
            self._since = max(self._since, min(times) - OVERLAP)

    def _recall(self, lake: Lake, now: datetime) -> None:
        """Go on where the last service was: what it told, and how far it had looked."""
        found = record.recall(lake, record.SERVICE, now)
        first = now - FIRST_WINDOW
        passed = [last.passed_at for last in found.values() if last.status == OK and last.passed_at]
        self._since = max(first, min(passed) - OVERLAP) if passed else first
        for job, last in found.items():
            self._status[job] = last.status
            if last.status != OK:
                since = last.passed_at - OVERLAP if last.passed_at else first
                self._pinned[job] = since
                self.ledger.remember(job, last.finished_at, last.finished_at)

    def _put_on_record(self, results: list[Result], now: datetime) -> None:
        due = self._recorded_at is None or now - self._recorded_at >= RECORD_AFTER
        changed = [
            each for each in results if due or self._status.get(each.check.job) != each.status
        ]
        self._round += 1
        try:
            record.record(self._settings, self._run_id, self._round, changed)
        except FirehoseError as error:
            self._log(f"The results are not on record: {error}")  # tried again in the next round
            return
        self._recorded_at = now if due else self._recorded_at
        self._status |= {each.check.job: each.status for each in changed}


def subject_of(result: Result) -> Subject:
    """A check's result as something to tell."""
    check = result.check
    level = "well" if result.passed else check.level
    return Subject(check.job, level, f"{check.table}: {check.name}", result.reason, check.do)


def _newest(inspection: Inspection, name: str, since: datetime) -> datetime | None:
    """The time of the newest row that a stream has read; None where that can't be known."""
    if not inspection.knows(name):
        return None
    at: datetime | None = inspection.lake.rows(_NEWEST[name], {"since": since})[0]["at"]
    return at
