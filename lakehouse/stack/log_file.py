"""Log files of child processes: appended to, bounded, read from the end."""

import os
from pathlib import Path
from typing import BinaryIO

# How an error of ours that ends a process stands in its log.
ERROR = "error: "
MOST_BYTES = 20_000_000
_TAIL_BYTES = 256_000
_TELLING = ("FATAL", "ERROR", "Exception", "Error:", "error:")


def open_log(path: Path, most_bytes: int = MOST_BYTES) -> BinaryIO:
    """Open for appending; a log beyond `most_bytes` first becomes `<name>.1`, replacing it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > most_bytes:
        path.replace(path.with_name(f"{path.name}.1"))
    return path.open("ab")


def tail(path: Path, lines: int, since: int = 0) -> list[str]:
    """The last lines behind byte `since`, oldest first; none if there is no file."""
    try:
        with path.open("rb") as file:
            start = max(since, file.seek(0, os.SEEK_END) - _TAIL_BYTES)
            file.seek(start)
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    found = text.splitlines()
    return found[-lines:] if lines > 0 else []


def told_error(lines: list[str]) -> str:
    """The last error that one of our processes told in its own words; empty where it told none."""
    told = next((line for line in reversed(lines) if line.startswith(ERROR)), "")
    return told.removeprefix(ERROR)


def telling_line(lines: list[str]) -> str:
    """The line that best says why a process failed: the last that names an error, else the last."""
    spoken = [line.strip() for line in lines if line.strip()]
    causes = [line for line in spoken if any(word in line for word in _TELLING)]
    return (causes or spoken or ["It said nothing."])[-1][:300]
