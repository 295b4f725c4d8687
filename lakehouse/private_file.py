"""A file of secrets: its owner's alone, and whole or not there."""

import os
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Put `text` into the file's place at once; OSError where that can't be."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)  # of a process that was killed and had the same number
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    draft.replace(path)
