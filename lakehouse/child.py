"""One of our own programs as a child process: its progress, its result, its error as ours."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import IO, Final

from lakehouse.errors import kind_of
from lakehouse.settings import Settings
from lakehouse.stack.log_file import ERROR

Report = Callable[[str], None]
_PROGRESS: Final = "progress: "


def run(module: str, words: Sequence[str], settings: Settings, report: Report, what: str) -> bytes:
    """What `python -m module words…` wrote to stdout; it gets `settings` by its environment.

    `report` is told what the program passes to `tell`; its logs and Java's are left aside. An
    error that it told is raised in its own words and kind; `what` opens the sentence.
    """
    with tempfile.TemporaryFile() as found:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            stdout=found,
            stderr=subprocess.PIPE,
            env={**os.environ, **settings.as_env()},
            text=True,
            errors="replace",
        )
        try:
            assert process.stderr is not None
            told = _listen(process.stderr, report)
            code = process.wait()
        finally:
            process.kill()
            process.wait()
        if code:
            raise kind_of(code)(f"{what} failed. {told}")
        found.seek(0)
        return found.read()


def tell(text: str) -> None:
    """Tell the parent how far the work has come; for the program that runs as a child."""
    print(f"{_PROGRESS}{text}", file=sys.stderr, flush=True)


def _listen(stderr: IO[str], report: Report) -> str:
    """Pass progress on; the error in the program's own words, or its last line."""
    last, error = "", ""
    for line in stderr:
        line = line.strip()
        if line.startswith(ERROR):
            error = line.removeprefix(ERROR)
        elif line.startswith(_PROGRESS):
            report(line.removeprefix(_PROGRESS))
        last = line or last
    return error or last
