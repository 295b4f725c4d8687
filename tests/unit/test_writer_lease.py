"""Who may write, decided from records, clocks and processes; leases on a real catalog, no Spark."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchNamespaceError

from lakehouse import tables
from lakehouse.errors import ResourceError
from spark_jobs.lease import Lease
from spark_jobs.namespace_properties import PREFIX, NotKeptError
from spark_jobs.owners import Owner, Sight, Verdict, judge, outranks
from spark_jobs.processes import lives, myself

LEASE = 30.0
ME = Owner("mine", "the streams", "here", "boot-1", 10, 1000.0, 5000.0)
OTHER = replace(ME, run_id="other", pid=11, since=4000.0)
ELSEWHERE = replace(OTHER, host="there", place="boot-2")
NEVER_SEEN = Sight(None, 0.0, False)


def dead(_pid: int, _started: float) -> bool:
    return False


def alive(_pid: int, _started: float) -> bool:
    return True


@pytest.mark.parametrize(
    ("owner", "sight", "process", "verdict"),
    [
        (None, NEVER_SEEN, alive, Verdict.FREE),
        (replace(OTHER, run_id="mine"), NEVER_SEEN, alive, Verdict.FREE),
        # On this machine: its process says it at once.
        (OTHER, Sight(1, 0, False), dead, Verdict.FREE),
        (OTHER, Sight(1, 0, False), alive, Verdict.HELD),
        (OTHER, Sight(LEASE, 0, False), alive, Verdict.HELD),
        # Frozen: its lease is over by the clock, and stays over while it is watched.
        (OTHER, Sight(LEASE + 1, 0, False), alive, Verdict.UNSURE),
        (OTHER, Sight(LEASE + 9, LEASE / 2, False), alive, Verdict.FREE),
        (OTHER, Sight(LEASE + 9, LEASE / 2, True), alive, Verdict.HELD),
        # A clock that was set back says nothing, nor does an owner that gave no sign yet.
        (OTHER, Sight(-3600, 0, False), alive, Verdict.UNSURE),
        (OTHER, NEVER_SEEN, alive, Verdict.UNSURE),
        # Elsewhere: no clock and no process is believed, only what is seen.
        (ELSEWHERE, Sight(1, 0, False), dead, Verdict.UNSURE),
        (ELSEWHERE, Sight(99_999, LEASE - 1, False), dead, Verdict.UNSURE),
        (ELSEWHERE, Sight(1, LEASE, False), dead, Verdict.FREE),
        (ELSEWHERE, Sight(1, 10, True), dead, Verdict.HELD),
    ],
)
def test_who_may_take_a_place(
    owner: Owner | None, sight: Sight, process: Callable[[int, float], bool], verdict: Verdict
) -> None:
    assert judge(owner, sight, ME, LEASE, process) is verdict


def test_a_living_owner_that_beats_in_time_is_never_replaced() -> None:
    """Whatever its clock says: it is seen to move within a third of a lease."""
    for owner in (OTHER, ELSEWHERE):
        for age in (None, -1e9, 0.0, 1e9):
            patience = LEASE / 3
            assert judge(owner, Sight(age, patience, False), ME, LEASE, alive) is not Verdict.FREE


def test_of_two_that_came_together_exactly_one_keeps_the_place() -> None:
    same_moment = replace(OTHER, since=ME.since)
    for one, other in ((ME, OTHER), (ME, same_moment)):
        assert outranks(one, other) != outranks(other, one)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '"x"', OTHER.text().replace("11", '"x"'), OTHER.text()[:-5]]
)
def test_a_record_of_somebody_else_is_no_owner(text: str) -> None:
    assert Owner.read(text) is None


def test_a_record_is_read_as_it_was_written() -> None:
    assert Owner.read(OTHER.text()) == OTHER
    newer = OTHER.text().replace("{", '{"more": 1, ', 1)
    assert Owner.read(newer) == OTHER


def test_a_process_is_known_by_its_pid_and_its_start() -> None:
    me = myself("run", "the streams")
    assert lives(me.pid, me.started)
    assert not lives(me.pid, me.started - 100), "another process that had the pid before"
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    started = time.time()
    while child.poll() is None:
        time.sleep(0.01)
    assert not lives(child.pid, started)


def test_a_zombie_does_not_live() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    started = time.time()
    deadline = time.monotonic() + 10
    while lives(child, started) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not lives(child, started)
    os.waitpid(child, 0)


class CatalogNotes:
    """The notes in a real catalog, by pyiceberg instead of Spark."""

    def __init__(self, folder: Path) -> None:
        self._catalog = SqlCatalog(
            tables.CATALOG, uri=f"sqlite:///{folder / 'catalog.db'}", warehouse=f"file://{folder}"
        )
        self._catalog.create_namespace_if_not_exists(tables.NAMESPACE)

    def read(self) -> dict[str, str]:
        found = self._catalog.load_namespace_properties(tables.NAMESPACE)
        return {name: text for name, text in found.items() if name.startswith(PREFIX)}

    def write(self, notes: Mapping[str, str]) -> None:
        self._catalog.update_namespace_properties(tables.NAMESPACE, updates=dict(notes))

    def remove(self, names: Collection[str]) -> None:
        self._catalog.update_namespace_properties(tables.NAMESPACE, removals=set(names))

    def drop(self) -> None:
        self._catalog.drop_namespace(tables.NAMESPACE)

    def come_back(self, notes: Mapping[str, str]) -> None:
        self._catalog.create_namespace(tables.NAMESPACE, dict(notes))


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[CatalogNotes]:
    yield CatalogNotes(tmp_path)


def lease_of(notes: CatalogNotes, owner: Owner, *names: str, seconds: float = 0.6) -> Lease:
    return Lease(notes, names or ("a", "b"), owner, seconds)


def eventually(true: Callable[[], object], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(true())


def test_a_second_is_told_who_has_it_and_the_first_goes_on(notes: CatalogNotes) -> None:
    with lease_of(notes, myself("first", "the streams")) as first:
        with pytest.raises(ResourceError, match=rf"writes b of this lake.*pid {os.getpid()}"):
            lease_of(notes, myself("second", "the streams"), "b", "c").__enter__()
        with lease_of(notes, myself("third", "a release"), "c"):
            first.check()
        assert {name for name in notes.read() if "writer" in name} == {
            f"{PREFIX}writer.a",
            f"{PREFIX}writer.b",
        }
    assert notes.read() == {}, "all is given back"


def test_the_place_of_a_dead_process_is_taken_at_once(notes: CatalogNotes) -> None:
    gone = replace(myself("gone", "the streams"), started=1.0)
    lease_of(notes, gone, seconds=60)._claim()
    began = time.monotonic()
    with lease_of(notes, myself("next", "the streams"), seconds=60) as lease:
        assert time.monotonic() - began < 5
        lease.check()
        assert f"{PREFIX}alive.gone" not in notes.read()


def test_an_owner_elsewhere_is_seen_to_live(notes: CatalogNotes) -> None:
    away = replace(myself("away", "the streams"), place="another machine")
    with lease_of(notes, away, seconds=3) as first:
        with pytest.raises(ResourceError, match="Another application writes a, b"):
            lease_of(notes, myself("here", "the streams"), seconds=3).__enter__()
        first.check()


def test_a_silent_owner_is_replaced_and_told_when_it_wakes(notes: CatalogNotes) -> None:
    frozen = lease_of(notes, replace(myself("frozen", "the streams"), place="another machine"))
    frozen._claim()  # and no sign of life from then on
    with lease_of(notes, myself("next", "the streams")) as lease:
        with pytest.raises(ResourceError, match=r"took the place of this one.*\(0\.6 s\)"):
            frozen.check()
        frozen._give_back()
        lease.check()
        assert f"{PREFIX}writer.a" in notes.read(), "it took nothing away from the next one"


def test_one_that_slept_while_another_came_and_went_is_told_too(notes: CatalogNotes) -> None:
    frozen = lease_of(notes, replace(myself("frozen", "the streams"), place="another machine"))
    frozen._claim()
    with lease_of(notes, myself("next", "the streams")):
        pass
    with pytest.raises(ResourceError, match="one that has ended meanwhile"):
        frozen.check()


def test_the_heartbeat_notices_by_itself(notes: CatalogNotes) -> None:
    with lease_of(notes, myself("first", "the streams")) as first:
        usurper = replace(myself("usurper", "the streams"), since=0.0)
        notes.write({f"{PREFIX}writer.b": usurper.text()})
        assert eventually(lambda: first.error)


def test_a_record_that_vanished_is_written_again(notes: CatalogNotes) -> None:
    with lease_of(notes, myself("first", "the streams"), seconds=3) as first:
        notes.remove([f"{PREFIX}writer.a"])
        assert eventually(lambda: f"{PREFIX}writer.a" in notes.read())
        assert first.error is None


def test_a_catalog_that_is_away_for_a_while_takes_no_lease(notes: CatalogNotes) -> None:
    with lease_of(notes, myself("first", "the streams")) as first:
        standing = notes.read()
        notes.drop()
        time.sleep(0.8)
        with pytest.raises(NoSuchNamespaceError):
            first.check()
        notes.come_back(standing)
        first.check()
        assert first.error is None


def test_of_many_at_once_one_gets_it(tmp_path: Path) -> None:
    got, refused, done = [], [], threading.Event()

    def claim(name: str) -> None:
        try:
            with lease_of(CatalogNotes(tmp_path), myself(name, "the streams"), seconds=20):
                got.append(name)
                done.wait(20)
        except ResourceError:
            refused.append(name)

    CatalogNotes(tmp_path)
    threads = [threading.Thread(target=claim, args=(f"run-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    assert eventually(lambda: len(got) + len(refused) == 4)
    done.set()
    for thread in threads:
        thread.join()
    assert len(got) == 1 and len(refused) == 3


def test_a_catalog_without_properties_is_said_and_keeps_nobody_out(notes: CatalogNotes) -> None:
    class Refusing(CatalogNotes):
        def write(self, notes: Mapping[str, str]) -> None:
            raise NotKeptError

    refusing = Refusing.__new__(Refusing)
    refusing._catalog = notes._catalog
    with lease_of(refusing, myself("one", "the streams")) as lease:
        lease.check()
        assert lease.error is None and notes.read() == {}
