"""What a crash may leave in a checkpoint, cleared before a stream starts."""

import shutil
from pathlib import Path


def clear_debris(checkpoint: str) -> None:
    """Remove half-written offsets of a stream that never began its first batch.

    Spark refuses such a checkpoint for good, though nothing was read or written by it: a disk that
    is full at the very start leaves one. Where a batch has begun, nothing is touched; nor on
    object stores, which show no half-written files.
    """
    path = checkpoint.removeprefix("file://")
    if "://" in path:
        return
    offsets = Path(path, "offsets")
    if offsets.is_dir() and not any(entry.name.isdigit() for entry in offsets.iterdir()):
        shutil.rmtree(offsets)
