"""A lock between processes: an flock on a file, let go by the kernel when its holders end."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lakehouse.errors import ResourceError

_POLL_SECONDS = 0.2


def try_lock(descriptor: int) -> bool:
    """Take the lock if it is free; False if somebody has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_lock_file(path: Path) -> int:
    """A descriptor of `path`, made where it is missing; ResourceError where it can't be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise ResourceError(
            f"The folder {path.parent} can't be written: {error.strerror}.",
            "Choose another folder, or mend its permissions.",
        ) from None


@contextmanager
def file_lock(path: Path, wait_seconds: float) -> Iterator[None]:
    """Hold the lock on `path`, waiting for it up to `wait_seconds`; ResourceError after that."""
    descriptor = open_lock_file(path)
    try:
        deadline = time.monotonic() + wait_seconds
        while not try_lock(descriptor):
            if time.monotonic() > deadline:
                raise ResourceError(
                    f"Another process has held {path} for {wait_seconds:.0f} s.",
                    "Wait for it to end, or end it.",
                )
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)
