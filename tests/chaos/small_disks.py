"""Small disks that fill up: file systems in memory, which only this process and its own see."""

import ctypes
import subprocess
from pathlib import Path
from typing import Final

_CLONE_NEWNS: Final = 0x00020000
_MEGABYTE: Final = 1 << 20


class SmallDisk:
    """A file system of so many megabytes at `folder`; `fill` takes all that is free of it."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        folder.mkdir(parents=True)
        options = f"size={megabytes}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Not a byte more fits."""
        with self._ballast.open("ab", buffering=0) as file:
            block = bytes(_MEGABYTE)
            while block:
                try:
                    file.write(block)
                except OSError:
                    block = block[: len(block) // 2]

    def free(self) -> None:
        """There is room again."""
        self._ballast.unlink(missing_ok=True)

    def remove(self) -> None:
        """Unmount it, also where somebody still looks into it."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False)


def own_mounts() -> bool:
    """From now on nobody else sees what this thread and its children mount; False: not allowed.

    It lasts as long as the process, and leaves nothing behind it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) != 0:
        return False
    private = ["mount", "--make-rprivate", "/"]
    return subprocess.run(private, capture_output=True, check=False).returncode == 0
