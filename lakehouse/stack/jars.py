"""The jars of Spark's connectors and of the Kafka broker: fetched once, checked every time.

`python -m lakehouse.stack.jars` fetches them and prints their folder; with `lock` it writes
jars.lock anew from what was fetched.
"""

import hashlib
import os
import shutil
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from lakehouse import settings as settings_module
from lakehouse.errors import FirehoseError, MissingToolError, SettingsError
from lakehouse.settings import Settings
from lakehouse.stack import ivy, jar_lock
from lakehouse.stack.file_lock import file_lock
from lakehouse.stack.ivy import Report

_WAIT_SECONDS = 900.0


@dataclass(frozen=True)
class Jars:
    """Absolute paths by use, sorted by name."""

    spark: tuple[Path, ...]
    kafka: tuple[Path, ...]


def folder_of(settings: Settings) -> Path:
    """The folder of the jars of this version of ivy.xml; it need not exist yet."""
    version = hashlib.sha256(ivy.IVY_XML.read_bytes()).hexdigest()[:12]
    return settings.jars_path / version


def ensure(settings: Settings, report: Report) -> Jars:
    """All jars, each equal to its digest in jars.lock; fetched or mended where they are not.

    Takes about a minute the first time and milliseconds later. MissingToolError where they can't
    be had, ResourceError where the cache can't be written. Safe to call from many processes.
    """
    folder, wanted = folder_of(settings), _wanted()
    if jar_lock.differences(jar_lock.scan(folder), wanted):
        _mend(folder, wanted, report)
    return _jars(folder)


def problems(settings: Settings) -> list[str]:
    """What is wrong with the jars that are there; empty if `ensure` has nothing to do."""
    return jar_lock.differences(jar_lock.scan(folder_of(settings)), _wanted())


def write_lock(settings: Settings, report: Report) -> Path:
    """Fetch all jars with an empty cache, trust them, write jars.lock; returns that file."""
    folder = folder_of(settings)
    with _locked(folder):
        shutil.rmtree(_cache(folder), ignore_errors=True)
        fetched = _fetch(folder, report)
        digests = jar_lock.scan(fetched)
        _put(fetched, folder)
    jar_lock.LOCK_FILE.write_text(jar_lock.render(digests), encoding="utf-8")
    return jar_lock.LOCK_FILE


def _mend(folder: Path, wanted: dict[str, str], report: Report) -> None:
    with _locked(folder):
        wrong = jar_lock.differences(jar_lock.scan(folder), wanted)
        if not wrong:
            return  # another process was quicker
        if folder.exists():
            report(f"The jars in {folder} can't be used: {wrong[0]}. They are fetched again.")
        _put(_fetch_verified(folder, wanted, report), folder)
        report(f"The jars are in {folder}.")


def _fetch_verified(folder: Path, wanted: dict[str, str], report: Report) -> Path:
    fetched = _fetch(folder, report)
    if jar_lock.differences(jar_lock.scan(fetched), wanted):
        # Ivy believes its cache without looking: a damaged file in it has to go.
        shutil.rmtree(_cache(folder), ignore_errors=True)
        fetched = _fetch(folder, report)
    if wrong := jar_lock.differences(jar_lock.scan(fetched), wanted):
        shutil.rmtree(fetched)
        raise MissingToolError(
            f"What {ivy.shown()} sent is not what jars.lock pins: {wrong[0]}.",
            f"Set {ivy.MIRROR_VARIABLE} to a mirror of Maven Central that you trust.",
        )
    return fetched


def _fetch(folder: Path, report: Report) -> Path:
    for rest in folder.parent.glob("*.new"):
        shutil.rmtree(rest, ignore_errors=True)
    # A name of its own: the Ivy of a process that was killed may still be writing to another.
    target = folder.with_name(f"{folder.name}.{os.getpid()}.new")
    ivy.retrieve(_cache(folder), target, report)
    return target


def _put(fetched: Path, folder: Path) -> None:
    # Running JVMs keep the old files open, so these may go once the new ones stand.
    old = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fetched.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _cache(folder: Path) -> Path:
    return folder.parent / "ivy-cache"


def _wanted() -> dict[str, str]:
    return jar_lock.parse(jar_lock.LOCK_FILE.read_text(encoding="utf-8"))


def _jars(folder: Path) -> Jars:
    return Jars(
        tuple(sorted(folder.glob("spark/*.jar"))), tuple(sorted(folder.glob("kafka/*.jar")))
    )


def _locked(folder: Path) -> AbstractContextManager[None]:
    return file_lock(folder.parent / ".lock", _WAIT_SECONDS)


def main(arguments: list[str]) -> int:
    """`python -m lakehouse.stack.jars [lock]`; returns the exit code."""
    try:
        settings = settings_module.load()
        if arguments == ["lock"]:
            print(write_lock(settings, _say))
        elif not arguments:
            ensure(settings, _say)
            print(folder_of(settings))
        else:
            raise SettingsError("Usage: python -m lakehouse.stack.jars [lock]")
    except FirehoseError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
