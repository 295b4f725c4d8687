"""File systems that one command alone sees: small disks, read-only folders, a hidden Java.

A mount namespace of its own needs root, or the right to user namespaces; where neither is given
the tests that ask for one are skipped.
"""

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_UNSHARE = ("unshare", "--mount", "--propagation", "private")


def private(mounting: str) -> list[str]:
    """A command prefix: what follows runs where the shell commands `mounting` have taken effect."""
    _need_namespaces()
    return [*_UNSHARE, "sh", "-c", f'{mounting} && exec "$@"', "sh"]


def tmpfs(folder: Path, options: str) -> str:
    """The shell command that mounts a file system in memory."""
    return f"mount -t tmpfs -o {options} tmpfs {shlex.quote(str(folder))}"


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[tuple[list[str], Path]]:
    """A disk at `folder` that lasts for several commands: their prefix, and its path from here."""
    _need_namespaces()
    script = f"{tmpfs(folder, f'size={megabytes}m')} && echo mounted && exec sleep 3600"
    holder = subprocess.Popen([*_UNSHARE, "sh", "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "mounted\n"
        enter = ["nsenter", f"--mount=/proc/{holder.pid}/ns/mnt", f"--wdns={folder.parent}"]
        yield enter, Path(f"/proc/{holder.pid}/root{folder}")
    finally:
        holder.kill()
        holder.communicate()


def fill(folder: Path) -> Path:
    """Take all the space of the folder's disk by one file, which is returned."""
    filler = folder / "filler"
    with filler.open("wb") as file:
        try:
            while file.write(bytes(1 << 20)):
                file.flush()
        except OSError:
            pass
    return filler


def _need_namespaces() -> None:
    script = "mount -t tmpfs tmpfs /mnt"
    tried = subprocess.run(
        [*_UNSHARE, "sh", "-c", script], capture_output=True, text=True, check=False
    )
    if tried.returncode != 0:
        pytest.skip(f"no mount namespace can be made here: {tried.stderr.strip()}")
