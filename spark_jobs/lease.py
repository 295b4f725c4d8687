"""Writer leases: a stream's table has one writer, and a second application is told so.

The owner of each job is on record in the namespace's properties, and gives a sign of life three
times a lease under a name of its own: a renewal never touches the record, so one who was frozen
and wakes can't take back what another has taken. A lease spares waste and confusion; that nothing
is written twice rests on appends that are conditional (sinks.py), not on clocks.
"""

import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final, Self

import structlog
from pyspark.sql import SparkSession

from lakehouse.errors import ResourceError
from lakehouse.settings import Settings
from spark_jobs.namespace_properties import PREFIX, NamespaceProperties, Notes, NotKeptError
from spark_jobs.owners import BEATS_PER_LEASE, Owner, Sight, Verdict, judge, outranks
from spark_jobs.processes import lives, myself

_WRITER: Final = f"{PREFIX}writer."
_ALIVE: Final = f"{PREFIX}alive."
# Between two looks. Two that start at once have both written by then, and both see who came last.
_LOOK_SECONDS: Final = 0.5
_LOOKS_PER_LEASE: Final = 20
log = structlog.get_logger(__name__)


@contextmanager
def held(
    spark: SparkSession, settings: Settings, names: Sequence[str], run_id: str, what: str
) -> Iterator["Lease"]:
    """The leases of these jobs, renewed until the end of the block and then given back.

    `what` names the application to others. ResourceError where a living one has any of them.
    """
    notes = NamespaceProperties(spark)
    with Lease(notes, names, myself(run_id, what), settings.writer_lease_seconds) as lease:
        yield lease


class Lease:
    """The leases of some jobs, all or none."""

    def __init__(self, notes: Notes, names: Sequence[str], me: Owner, seconds: float) -> None:
        self._notes = notes
        self._names = names
        self._me = me
        self._seconds = seconds
        self._look_seconds = min(_LOOK_SECONDS, seconds / _LOOKS_PER_LEASE)
        self._renewed = time.monotonic()
        self._lost: str | None = None
        self._kept = True
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> Self:
        """Take the leases; waits where the last owner may only be silent. ResourceError."""
        try:
            self._claim()
        except NotKeptError:
            self._kept = False
            log.warning(
                "no_writer_lease", reason="the catalog keeps no properties of a namespace",
                meaning="a second application that is started by mistake is not refused",
            )  # fmt: skip
            return self
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        if self._kept:
            self._thread.join(timeout=5)
            with suppress(Exception):  # what stays is replaced once this process is gone
                self._give_back()

    @property
    def error(self) -> ResourceError | None:
        """Set once another application stands on record in our place."""
        if self._lost is None:
            return None
        return ResourceError(
            f"Another application took the place of this one as the lake's writer: {self._lost}.",
            f"This one gave no sign of life for WRITER_LEASE_SECONDS ({self._seconds:g} s), or "
            "both were started at once. Start it again only when the other has ended.",
        )

    @property
    def held(self) -> bool:
        """Whether the last renewal still holds; true where the catalog keeps no leases."""
        fresh = time.monotonic() - self._renewed <= self._seconds
        return self._lost is None and (fresh or not self._kept)

    def check(self) -> None:
        """Called before a batch; ResourceError where the lease is lost.

        Asks the catalog only where the last renewal is longer ago than a lease: after a freeze.
        """
        if self._kept and time.monotonic() - self._renewed > self._seconds:
            self._renew()
        if (error := self.error) is not None:
            raise error

    def _claim(self) -> None:
        watch = _Watch(self._me, self._seconds)
        told = False
        while owner := watch.unsure(self._owners(found := self._notes.read()), found):
            if not told:
                log.info("lease_awaited", owner=_who(owner), seconds=self._seconds)
            told = True
            time.sleep(self._look_seconds)
        replaced = {each.run_id for each in self._owners(found).values() if each is not None}
        self._write(self._names)
        self._settle()
        self._notes.remove([f"{_ALIVE}{run_id}" for run_id in replaced - {self._me.run_id}])
        log.info("lease_taken", jobs=list(self._names), run_id=self._me.run_id)

    def _settle(self) -> None:
        """Whoever wrote at the same moment and last has it; of a mixture, who was there first."""
        while True:
            time.sleep(self._look_seconds)
            self._renewed = time.monotonic()
            others = self._others(self._notes.read())
            if not others:
                return
            if len(others) == len(self._names) or not all(
                outranks(self._me, other) for other in others
            ):
                raise _in_use(self._names, others[0], self._seconds)
            self._write(self._names)

    def _beat(self) -> None:
        away = False
        while not self._end.wait(self._seconds / BEATS_PER_LEASE) and self._lost is None:
            try:
                self._renew()
                away = False
            except Exception as error:  # the catalog is away, and writers can't write either
                if not away:
                    log.warning("lease_not_renewed", error=str(error)[:300])
                away = True

    def _renew(self) -> None:
        with self._lock:
            asked = time.monotonic()
            found = self._notes.read()
            gone = [name for name, owner in self._owners(found).items() if owner is None]
            if others := self._others(found):
                self._lost = _who(others[0])
            elif gone and asked - self._renewed > self._seconds:
                self._lost = "one that has ended meanwhile"
            else:
                self._write(gone)
                self._renewed = asked
        if self._lost is not None:
            log.error("lease_lost", owner=self._lost)

    def _write(self, names: Collection[str]) -> None:
        records = {f"{_WRITER}{name}": self._me.text() for name in names}
        self._notes.write({**records, f"{_ALIVE}{self._me.run_id}": repr(time.time())})

    def _give_back(self) -> None:
        owners = self._owners(self._notes.read())
        mine = [name for name, owner in owners.items() if owner == self._me]
        self._notes.remove([*(f"{_WRITER}{name}" for name in mine), f"{_ALIVE}{self._me.run_id}"])

    def _owners(self, found: Mapping[str, str]) -> dict[str, Owner | None]:
        return {name: Owner.read(found.get(f"{_WRITER}{name}", "")) for name in self._names}

    def _others(self, found: Mapping[str, str]) -> list[Owner]:
        owners = self._owners(found).values()
        return [owner for owner in owners if owner and owner.run_id != self._me.run_id]


class _Watch:
    """Looks at the owners again and again until each place is free; ResourceError if one is not."""

    def __init__(self, me: Owner, lease: float) -> None:
        self._me = me
        self._lease = lease
        self._seen: dict[str, tuple[str, float]] = {}  # run → sign of life, since when (monotonic)
        self._moved: set[str] = set()

    def unsure(self, owners: Mapping[str, Owner | None], found: Mapping[str, str]) -> Owner | None:
        """An owner that must be watched for longer; None where all places may be taken."""
        waiting = None
        for owner in filter(None, owners.values()):
            verdict = judge(owner, self._sight(owner, found), self._me, self._lease, lives)
            if verdict is Verdict.HELD:
                jobs = [name for name, other in owners.items() if other == owner]
                raise _in_use(jobs, owner, self._lease)
            waiting = owner if verdict is Verdict.UNSURE else waiting
        return waiting

    def _sight(self, owner: Owner, found: Mapping[str, str]) -> Sight:
        now, sign = time.monotonic(), found.get(f"{_ALIVE}{owner.run_id}", "")
        before, since = self._seen.setdefault(owner.run_id, (sign, now))
        if sign != before:
            self._moved.add(owner.run_id)
        try:
            age = time.time() - float(sign)
        except ValueError:
            age = None
        return Sight(age, now - since, owner.run_id in self._moved)


def _in_use(jobs: Sequence[str], owner: Owner, lease: float) -> ResourceError:
    return ResourceError(
        f"Another application writes {', '.join(jobs)} of this lake: {_who(owner)}.",
        f"End it first, or leave the work to it. One that gives no sign of life is replaced after "
        f"WRITER_LEASE_SECONDS ({lease:g} s).",
    )


def _who(owner: Owner) -> str:
    since = datetime.fromtimestamp(owner.since, UTC)
    return f"{owner.what} on {owner.host}, pid {owner.pid}, since {since:%Y-%m-%d %H:%M:%S} UTC"
