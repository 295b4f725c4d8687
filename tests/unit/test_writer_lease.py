"""Leases on a real catalog, through pyiceberg instead of Spark."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from pyiceberg.exceptions import NoSuchNamespaceError

from lakehouse.errors import ResourceError
from spark_jobs.lease import Lease
from spark_jobs.namespace_properties import PREFIX, NotKeptError
from spark_jobs.owners import Owner
from spark_jobs.processes import myself
from tests.catalog_notes import CatalogNotes


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
