"""Leases of real processes that are frozen and killed."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spark_jobs.lease import Lease
from spark_jobs.processes import myself
from tests.catalog_notes import CatalogNotes

LEASE_SECONDS = 2.0
OWNER = """
import sys, time
from pathlib import Path
from lakehouse.errors import ResourceError
from spark_jobs.lease import Lease
from spark_jobs.processes import myself
from tests.catalog_notes import CatalogNotes
with Lease(CatalogNotes(Path(sys.argv[1])), ["a"], myself("child", "the streams"), 2.0) as lease:
    print("mine", flush=True)
    while lease.error is None:
        time.sleep(0.05)
print(lease.error, flush=True)
"""


@contextmanager
def owner(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that has the lease and tells when it is lost."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    try:
        while "mine" not in line_of(process):
            pass
        yield process
    finally:
        process.kill()
        process.communicate()


def line_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the owner ended"
    return line


def claim(folder: Path, seconds: float = LEASE_SECONDS) -> Lease:
    return Lease(CatalogNotes(folder), ["a"], myself("next", "the streams"), seconds)


def test_a_frozen_process_is_replaced_after_its_lease_and_says_so_when_it_wakes(
    tmp_path: Path,
) -> None:
    with owner(tmp_path) as frozen:
        frozen.send_signal(signal.SIGSTOP)
        time.sleep(LEASE_SECONDS + 0.5)
        began = time.monotonic()
        with claim(tmp_path) as lease:
            assert time.monotonic() - began >= LEASE_SECONDS / 2, "it was watched"
            frozen.send_signal(signal.SIGCONT)
            while "took the place of this one" not in (told := line_of(frozen)):
                pass
            assert f"pid {myself('', '').pid}" in told
            lease.check()


def test_a_killed_process_is_replaced_at_once_however_long_the_lease(tmp_path: Path) -> None:
    with owner(tmp_path) as killed:
        killed.kill()
        killed.wait()
        began = time.monotonic()
        with claim(tmp_path, seconds=600.0) as lease:
            assert time.monotonic() - began < 60
            lease.check()
